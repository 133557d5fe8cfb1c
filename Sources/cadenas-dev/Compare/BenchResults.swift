/// What was measured, by who answered, what was asked, how many cards there were, and connections.
struct BenchResults {
  /// One series of figures.
  struct Key: Hashable {
    /// `cadenas` or a peer.
    var subject: String
    var operation: String
    /// Cards in the store at the start; 0 for a peer.
    var store: Int
    var connections: Int
  }

  /// One line of the file.
  struct Figures {
    let perSecond: Double
    let p50: Double
    let p99: Double
    let clientIsBottleneck: Bool
  }

  /// How long one task of upkeep took, by its name and the cards in the store, in milliseconds.
  private(set) var upkeep: [String: [Int: [Double]]] = [:]
  /// The vault's own memory, in KiB, by the cards in the store.
  private(set) var memory: [Int: [Double]] = [:]
  /// Runs at a rate: cards, requests a second, p50, p99, p99.9 and longest in microseconds, and
  /// thousandths of the time in which the machine stood still.
  private(set) var paced: [[String]] = []
  private var figures: [Key: [Int: Figures]] = [:]

  /// Reads lines of JSON; runs at a rate of their own are no part of ratios and spreads.
  init(_ bytes: [UInt8]) throws(DevelopmentError) {
    for line in bytes.split(separator: UInt8(ascii: "\n")) {
      let members = try JSONMembers(Array(line))
      let store = members.integer("store") ?? 0
      if let kib = members.number("kib") { memory[store, default: []].append(kib) }
      if let task = members["task"], let time = members.number("milliseconds") {
        upkeep[task, default: [:]][store, default: []].append(time)
      }
      if let rate = members["rate"] {
        paced.append(
          [store.description, rate]
            + ["p50_us", "p99_us", "p999_us", "max_us", "standstill_millis"].map {
              members[$0] ?? ""
            })
      }
      guard members["rate"] == nil, let subject = members["subject"],
        let operation = members["operation"], let round = members.integer("round"),
        let connections = members.integer("connections")
      else { continue }
      let key = Key(
        subject: subject, operation: operation, store: store, connections: connections)
      figures[key, default: [:]][round] = Figures(
        perSecond: members.number("per_second") ?? 0, p50: members.number("p50_us") ?? 0,
        p99: members.number("p99_us") ?? 0,
        clientIsBottleneck: members["client_is_bottleneck"] == "true")
    }
  }

  /// The sizes of the vault's store, from the least.
  var stores: [Int] {
    Set(figures.keys.filter { $0.subject == "cadenas" }.map(\.store)).sorted()
  }

  /// The numbers of connections, from the least.
  var connections: [Int] { Set(figures.keys.map(\.connections)).sorted() }

  /// Who answered what, the vault first.
  var series: [(subject: String, operation: String)] {
    let order = BenchPlan.Operation.allCases.map(\.rawValue)
    let all = Set(figures.keys.map { [$0.subject, $0.operation] })
    return all.sorted { left, right in
      let isOwn = (left[0] == "cadenas", right[0] == "cadenas")
      if isOwn.0 != isOwn.1 { return isOwn.0 }
      if !isOwn.0 { return left[0] < right[0] }
      return order.firstIndex(of: left[1]) ?? 0 < order.firstIndex(of: right[1]) ?? 0
    }.map { ($0[0], $0[1]) }
  }

  /// A figure over all rounds.
  func spread(_ key: Key, _ figure: (Figures) -> Double) -> Spread? {
    Spread(figures[key].map { $0.values.map(figure) } ?? [])
  }

  /// Answers a second of one as a multiple of those of the other, in rounds that have both.
  func ratio(_ one: Key, to other: Key) -> Spread? {
    guard let ones = figures[one], let others = figures[other] else { return nil }
    return Spread(
      ones.compactMap { round, figures in
        guard let other = others[round], other.perSecond > 0 else { return nil }
        return figures.perSecond / other.perSecond
      })
  }

  /// Whether the client held up any round of the series.
  func isClientBound(_ key: Key) -> Bool {
    figures[key]?.values.contains { $0.clientIsBottleneck } ?? false
  }
}

/// The middle of some figures, the least and the greatest.
struct Spread: Equatable {
  let median: Double
  let least: Double
  let greatest: Double

  /// Nil without figures.
  init?(_ figures: [Double]) {
    let sorted = figures.sorted()
    guard let first = sorted.first, let last = sorted.last else { return nil }
    let middle = sorted.count / 2
    median =
      sorted.count.isMultiple(of: 2) ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[middle]
    least = first
    greatest = last
  }

  /// `MEDIAN (LEAST–GREATEST)`, the median alone where there is nothing else.
  func text(digits: Int) -> String {
    let texts = [median, least, greatest].map { BenchReport.decimal($0, digits: digits) }
    return least == greatest ? texts[0] : "\(texts[0]) (\(texts[1])–\(texts[2]))"
  }
}
