/// How long requests took, counted in buckets whose width is 1/64 of their value, so that a
/// percentile is exact to 1.6 %.
struct LatencyHistogram: Sendable {
  private static let precisionBits = 6
  private static let bucketCount = (64 - precisionBits + 1) << precisionBits

  private var counts = [UInt64](repeating: 0, count: bucketCount)
  /// How many were recorded.
  private(set) var total: UInt64 = 0
  /// The longest, in nanoseconds.
  private(set) var longest: UInt64 = 0

  /// Counts one duration in nanoseconds.
  mutating func record(_ nanoseconds: UInt64) {
    counts[Self.bucket(of: nanoseconds)] += 1
    total += 1
    longest = max(longest, nanoseconds)
  }

  mutating func add(_ other: LatencyHistogram) {
    for index in counts.indices { counts[index] += other.counts[index] }
    total += other.total
    longest = max(longest, other.longest)
  }

  /// The duration in nanoseconds that a share of `fraction` (0 to 1) of all stayed within; the
  /// upper edge of its bucket. 0 where nothing was recorded.
  func percentile(_ fraction: Double) -> UInt64 {
    let wanted = max(1, UInt64((Double(total) * fraction).rounded(.up)))
    var seen: UInt64 = 0
    for (index, count) in counts.enumerated() {
      seen += count
      if seen >= wanted { return min(Self.upperEdge(of: index), longest) }
    }
    return longest
  }

  /// Values below 64 have a bucket each; from there on each power of two is cut into 64.
  static func bucket(of value: UInt64) -> Int {
    let exponent = max(0, 63 - value.leadingZeroBitCount - precisionBits)
    let first = exponent == 0 ? 0 : exponent << precisionBits
    return first + Int(value >> UInt64(exponent))
  }

  static func upperEdge(of bucket: Int) -> UInt64 {
    let exponent = max(0, (bucket >> precisionBits) - 1)
    let start = UInt64(bucket - (exponent << precisionBits)) << UInt64(exponent)
    return start + (1 << UInt64(exponent)) - 1
  }
}
