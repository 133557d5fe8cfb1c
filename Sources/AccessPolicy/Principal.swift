/// Who a client turned out to be. One reference, cheap to keep with a connection.
package enum Principal: Equatable, Sendable {
  /// A merchant's client.
  case merchant(Merchant)
  /// An acquirer's own client, which may read cards.
  case acquirer(Acquirer)

  /// The name in the configuration. A merchant and an acquirer may share one.
  package var name: String {
    switch self {
    case .merchant(let merchant): merchant.name
    case .acquirer(let acquirer): acquirer.name
    }
  }

  /// How many operations of this kind the principal may ask for in a minute; nil is without bound.
  package func quotaPerMinute(_ operation: Operation) -> Int? {
    switch self {
    case .merchant(let merchant): merchant.quotas.perMinute(operation)
    case .acquirer(let acquirer): acquirer.pull?.quotas.perMinute(operation)
    }
  }
}
