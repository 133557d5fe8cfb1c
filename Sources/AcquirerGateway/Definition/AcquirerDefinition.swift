import ConfigurationReading
package import NIOSSL

/// An acquirer that messages can be sent to: everything that was read, compiled and checked.
package struct AcquirerDefinition: Sendable {
  /// The name in the configuration.
  package let name: String
  /// What is sent and how answers are read.
  package let template: AcquirerTemplate
  let endpoint: AcquirerEndpoint
  /// What each merchant brings, by its name.
  let merchants: [String: MerchantAccess]
}

/// Where an acquirer listens, and what is believed there.
struct AcquirerEndpoint: Sendable {
  let url: BaseURL
  /// Trusts the acquirer's authority alone, and holds the vault's certificate for it.
  let tls: NIOSSLContext
  /// What the context was made of, for whoever lists it.
  let listing: AcquirerTLS
  /// Finds its addresses.
  var lookup = NameLookup()

  /// The `Host` of a message: with the port where it is not the usual one.
  var authority: String {
    let text = url.description.dropFirst("https://".count)
    return String(text.prefix { $0 != "/" })
  }
}

/// How the vault connects to one acquirer, for whoever has to list it.
package struct AcquirerTLS: Sendable {
  /// The acquirer's name in the configuration.
  package let acquirer: String
  /// The address that messages are posted to.
  package let url: String
  /// The name that its certificate has to carry.
  package let serverName: String
  /// The settings of the connection, without the private key.
  package let settings: TLSConfiguration
  /// The authorities that are believed, in DER.
  package let authorities: [[UInt8]]
  /// The chain that the vault shows, in DER, its own certificate first; empty where it shows none.
  package let chain: [[UInt8]]
}

/// What one merchant brings to its acquirer.
struct MerchantAccess: Sendable {
  let constants: [String: String]
  let authorization: SecretHeader?
}
