package import Cards

/// The configuration of the payment page, read and checked.
package struct PageConfiguration: Sendable {
  /// Where a listener listens, and the pair that it shows.
  package struct Listener: Equatable, Sendable {
    package let address: ListenAddress
    package let certificatePath: String
    package let privateKeyPath: String
  }

  /// How the vault is reached.
  package struct Vault: Equatable, Sendable {
    package let url: BaseURL
    package let authorityPath: String
    /// The name that its certificate bears; the URL's host where none is given.
    package let serverName: String
  }

  /// Bounds on guessing.
  package struct Bounds: Equatable, Sendable {
    /// Attempts from one address in a minute.
    package var byAddress = 20
    /// Attempts with one card in an hour.
    package var byCard = 5
    /// Attempts with cards of one BIN in a minute, of all shops.
    package var byBIN = 60
  }

  /// PayPal's interface.
  package struct PayPal: Equatable, Sendable {
    package let url: BaseURL
    package let authorityPath: String?
    package let clientID: String
    package let secretPath: String
  }

  package struct Merchant: Equatable, Sendable {
    package let name: String
    /// What shoppers read.
    package let shopName: String
    package let clients: [String]
    package let clientAuthorityPaths: [String]
    package let clientRevocationPaths: [String]
    package let vaultCertificatePath: String
    package let vaultPrivateKeyPath: String
    package let acquirer: String
    package let methods: [String]
    package let returnURLs: [String]
    package let inputs: [String]
    package let notify: Notify?
    package let languages: [String]
    package let attempts: Int
    package let minutes: Int
    package let mayProlong: Bool
    package let timeZone: String
    package let acquirerName: String?
    package let helpURL: String?
    package let privacyURL: String?
  }

  /// Where a merchant is told of its payments.
  package struct Notify: Equatable, Sendable {
    package let url: BaseURL
    package let authorityPath: String?
    package let secretPath: String
  }

  package let file: String
  package let `public`: Listener
  /// `https://host[:port]`, without a slash at its end: what page addresses begin with.
  package let publicURL: String
  package let shops: Listener
  package let storePath: String
  package let vault: Vault
  package let brands: BrandTable
  package let administration: AdministrationSettings
  package let metrics: ListenAddress?
  /// Addresses whose `X-Forwarded-For` is believed.
  package let trustedProxies: [String]
  /// Origins that may frame the page.
  package let frameAncestors: [String]
  package let bounds: Bounds
  package let paypal: PayPal?
  package let merchants: [Merchant]
  /// Whether the page says that no payment is real.
  package let isTest: Bool
}

extension PageConfiguration {
  /// Reads and checks the configuration in the file at `path`, and every file that it names.
  /// - Throws: ``ConfigurationError`` with every mistake that was found.
  package static func load(path: String) throws(ConfigurationError) -> PageConfiguration {
    try ConfigurationLoader.section(of: path) { loader, reader, file in
      loader.page(reader, file: file)
    }
  }
}
