/// How long something took, counted in classes: what a histogram is made of.
package struct DurationCounts: Sendable, Equatable {
  /// The upper bounds of the classes, in microseconds, inclusive; one class more has none.
  package static let boundsMicroseconds: [Int64] = [
    1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000,
    5_000_000, 10_000_000, 30_000_000,
  ]

  /// How many fell into each class and into none before it.
  package private(set) var counts: [Int64]
  /// All of them together.
  package private(set) var microseconds: Int64 = 0

  /// Nothing yet.
  package init() {
    counts = Array(repeating: 0, count: Self.boundsMicroseconds.count + 1)
  }

  /// How many there are.
  package var count: Int64 { counts.reduce(0, +) }

  /// Adds one.
  package mutating func add(nanoseconds: Int64) {
    let taken = max(0, nanoseconds / 1_000)
    microseconds &+= taken
    let place = Self.boundsMicroseconds.firstIndex { taken <= $0 } ?? counts.count - 1
    counts[place] += 1
  }

  /// Adds another one's.
  package mutating func add(_ other: DurationCounts) {
    microseconds &+= other.microseconds
    for place in counts.indices { counts[place] += other.counts[place] }
  }

  /// The bound below which the share `quantile` of all lies, in microseconds: the upper bound of its
  /// class. Nil where there is none, or where it has no bound.
  package func bound(of quantile: Double) -> Int64? {
    let rank = Int64((Double(count) * quantile).rounded(.up))
    guard rank > 0 else { return nil }
    var sum: Int64 = 0
    for (place, bound) in Self.boundsMicroseconds.enumerated() {
      sum += counts[place]
      if sum >= rank { return bound }
    }
    return nil
  }
}
