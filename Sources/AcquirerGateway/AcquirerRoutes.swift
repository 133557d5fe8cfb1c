package import AccessPolicy
import Cards
import ConfigurationReading
package import Tokenization
package import VaultCore

/// The acquirers of one generation of the configuration, and the way to each.
///
/// Payments that are under way when another generation comes keep what they began with.
package struct AcquirerRoutes: AcquirerTransport {
  let gateway: Gateway
  let pools: [String: AcquirerPool]
  let definitions: [String: AcquirerDefinition]

  /// - Parameter definitions: of which each has a name of its own.
  package init(_ definitions: [AcquirerDefinition], over gateway: Gateway) {
    self.gateway = gateway
    self.definitions = Dictionary(definitions.map { ($0.name, $0) }) { first, _ in first }
    pools = gateway.pools(for: self.definitions)
  }

  /// How these acquirers are connected to, by name.
  package var connections: [AcquirerTLS] { Self.connections(of: Array(definitions.values)) }

  /// The same of definitions.
  package static func connections(of definitions: [AcquirerDefinition]) -> [AcquirerTLS] {
    definitions.map(\.endpoint.listing).sorted { $0.acquirer < $1.acquirer }
  }

  /// What these acquirers are, ordered by name.
  package var listing: [AcquirerListing] {
    definitions.values.sorted { $0.name < $1.name }.map { definition in
      AcquirerListing(
        name: definition.name, url: definition.endpoint.listing.url,
        serverName: definition.endpoint.listing.serverName,
        operations: definition.template.operations.keys.map(\.rawValue).sorted(),
        isIdempotent: definition.template.isIdempotent)
    }
  }

  package func check(_ payment: Payment, acquirer: String) -> Problem? {
    guard let operation = definitions[acquirer]?.template.operations[payment.operation] else {
      return Problem(.invalidMember, pointer: "/operation")
    }
    return operation.check(payment)
  }

  package func takePlace(
    at acquirer: String, for merchant: Merchant
  ) throws(Problem) -> any MessagePlace {
    let merchants = definitions[acquirer]?.merchants.count ?? 0
    let number = try gateway.takePlace(
      at: acquirer, for: merchant.name, isShared: merchants > 1)
    return PlaceAtAcquirer(self, number: number, acquirer: acquirer, merchant: merchant)
  }

  /// The message of a payment, and its way; nil where these routes have no such acquirer,
  /// operation or merchant.
  func route(
    _ payment: Payment, _ card: ReleasedCard, _ identifier: PaymentIdentifier,
    at place: PlaceAtAcquirer, nowMilliseconds: Int64
  ) -> MessageRoute? {
    guard let definition = definitions[place.acquirer], let pool = pools[place.acquirer],
      let template = definition.template.operations[payment.operation],
      let access = definition.merchants[place.merchant.name]
    else { return nil }
    let message = Message(
      template: template, payment: payment, card: card, identifier: identifier,
      constants: access.constants, authority: definition.endpoint.authority,
      basePath: definition.endpoint.url.path, authorization: access.authorization,
      nowMilliseconds: nowMilliseconds)
    return MessageRoute(
      message: message, pool: pool, isIdempotent: definition.template.isIdempotent)
  }
}

/// An acquirer, for whoever lists it.
package struct AcquirerListing: Sendable, Equatable {
  /// The name in the configuration.
  package let name: String
  /// The address that messages are posted to.
  package let url: String
  /// The name that its certificate has to carry.
  package let serverName: String
  /// The operations that it has a template for.
  package let operations: [String]
  /// Whether a message that a kept connection lost is sent once more (`idempotent_by`).
  package let isIdempotent: Bool
}

/// A message and its way.
struct MessageRoute {
  let message: Message
  let pool: AcquirerPool
  /// Whether the acquirer knows a payment again that it has seen.
  let isIdempotent: Bool
}
