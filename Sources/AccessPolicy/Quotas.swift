/// How many operations of each kind a principal may ask for in a minute; nil is without bound.
package struct Quotas: Equatable, Sendable {
  /// The figures that a quota may have, in operations per minute.
  ///
  /// The upper bound keeps ``QuotaLedger``'s arithmetic within 64 bits.
  package static let allowedPerMinute = 1...100_000_000

  /// New cards and lookups of known ones.
  package let tokenizePerMinute: Int?
  /// Payments forwarded (push) or cards read (pull).
  package let detokenizePerMinute: Int?
  /// Cards removed; where it is nil, ``tokenizePerMinute`` counts for them too.
  package let deletePerMinute: Int?

  /// Makes quotas.
  /// - Precondition: every figure lies in ``allowedPerMinute``.
  package init(
    tokenizePerMinute: Int? = nil, detokenizePerMinute: Int? = nil, deletePerMinute: Int? = nil
  ) {
    for figure in [tokenizePerMinute, detokenizePerMinute, deletePerMinute] {
      if let figure {
        precondition(Self.allowedPerMinute.contains(figure), "a quota is out of its bounds")
      }
    }
    self.tokenizePerMinute = tokenizePerMinute
    self.detokenizePerMinute = detokenizePerMinute
    self.deletePerMinute = deletePerMinute
  }

  /// The figure for one operation, per minute; nil is without bound.
  package func perMinute(_ operation: Operation) -> Int? {
    switch operation {
    case .tokenize: tokenizePerMinute
    case .detokenize: detokenizePerMinute
    case .delete: deletePerMinute ?? tokenizePerMinute
    }
  }
}
