import Configuration
import NIOSSL

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
  /// The name that the acquirer's certificate has to carry.
  let serverName: String

  /// The `Host` of a message: with the port where it is not the usual one.
  var authority: String {
    let text = url.description.dropFirst("https://".count)
    return String(text.prefix { $0 != "/" })
  }
}

/// What one merchant brings to its acquirer.
struct MerchantAccess: Sendable {
  let constants: [String: String]
  let authorization: SecretHeader?
}
