/// One identity that speaks for a merchant, and what it may do of what the merchant may.
package struct MerchantClient: Equatable, Sendable {
  /// Its `spiffe://` identity.
  package let id: String
  /// What it may ask for, at most what the merchant may; nil for all of that.
  package let operations: Set<Operation>?
  /// The requests allowed to it in each minute, beside those allowed to the merchant.
  package let quotas: Quotas

  /// A client with a share of its merchant's rights.
  package init(id: String, operations: Set<Operation>? = nil, quotas: Quotas = Quotas()) {
    self.id = id
    self.operations = operations
    self.quotas = quotas
  }

  /// Whether it has all of the merchant's rights and quotas.
  package var isUnrestricted: Bool { operations == nil && quotas == Quotas() }
}

extension MerchantClient: ExpressibleByStringLiteral {
  /// A client with all of its merchant's rights.
  package init(stringLiteral id: String) { self.init(id: id) }
}
