struct ComparisonTables {
  let results: BenchResults

  /// Ratios, figures, latencies, runs at a rate, memory and upkeep, in this order.
  var all: [FigureTable] {
    [ratios, rates, latency("p50", \.p50), latency("p99", \.p99), paced, memory, upkeep]
  }

  private static let vault = "cadenas"

  private func cells(_ body: (Int) -> String?) -> [String] {
    results.connections.map { body($0) ?? "" }
  }

  private func name(_ store: Int) -> String {
    switch store {
    case 0: "empty"
    case let millions where millions >= 1_000_000 && millions.isMultiple(of: 1_000_000):
      "\(millions / 1_000_000) M"
    default: "\(store)"
    }
  }

  /// The vault's answers a second as a multiple of each peer's, and of its own on an empty store.
  private var ratios: FigureTable {
    var table = FigureTable(
      title: "Ratio of answers a second: median of rounds (least–greatest)",
      head: ["ratio", "cards"] + results.connections.map { "\($0) conn." })
    let own = results.series.filter { $0.subject == Self.vault }
    let peers = results.series.filter { $0.subject != Self.vault }
    func add(
      _ operation: String, _ store: Int, to label: String, _ other: (Int) -> BenchResults.Key
    ) {
      table.add(
        ["\(operation) / \(label)", name(store)]
          + cells {
            results.ratio(key(Self.vault, operation, store, $0), to: other($0))?.text(digits: 2)
          })
    }
    for store in results.stores {
      for (_, operation) in own {
        for peer in peers {
          add(operation, store, to: peer.subject) { key(peer.subject, peer.operation, 0, $0) }
        }
      }
    }
    for store in results.stores.dropFirst() {
      for (subject, operation) in own {
        let empty = results.stores[0]
        add(operation, store, to: "itself on \(name(empty)) store") {
          key(subject, operation, empty, $0)
        }
      }
    }
    return table
  }

  private func key(
    _ subject: String, _ operation: String, _ store: Int, _ connections: Int
  ) -> BenchResults.Key {
    .init(subject: subject, operation: operation, store: store, connections: connections)
  }

  private var rates: FigureTable {
    figures("Answers a second (* the client was the bottleneck)") { key in
      let text = results.spread(key) { $0.perSecond }?.text(digits: 0)
      return text.map { results.isClientBound(key) ? "\($0) *" : $0 }
    }
  }

  private func latency(
    _ name: String, _ figure: @escaping (BenchResults.Figures) -> Double
  ) -> FigureTable {
    figures("Latency \(name) in milliseconds") { key in
      results.spread(key) { figure($0) / 1e3 }?.text(digits: 2)
    }
  }

  private func figures(_ title: String, _ cell: (BenchResults.Key) -> String?) -> FigureTable {
    var table = FigureTable(
      title: title, head: ["who, what", "cards"] + results.connections.map { "\($0) conn." })
    for (subject, operation) in results.series {
      for store in subject == Self.vault ? results.stores : [0] {
        table.add(
          ["\(subject) \(operation)", subject == Self.vault ? name(store) : ""]
            + cells { cell(key(subject, operation, store, $0)) })
      }
    }
    return table
  }

  /// Latencies in milliseconds at rates that were asked for.
  private var paced: FigureTable {
    var table = FigureTable(
      title: "tokenize-new at half of the most, latency in milliseconds",
      head: ["cards", "a second", "p50", "p99", "p99.9", "max", "stood still, %"])
    for row in results.paced {
      let latencies = row.dropFirst(2).dropLast().map {
        BenchReport.decimal((Double($0) ?? 0) / 1e3, digits: 2)
      }
      let pauses = BenchReport.decimal((row.last.flatMap { Double($0) } ?? 0) / 10, digits: 1)
      table.add([name(Int(row[0]) ?? 0), row[1]] + latencies + [pauses])
    }
    return table
  }

  private var memory: FigureTable {
    var table = FigureTable(
      title: "The vault's memory beside the page cache, in MiB", head: ["cards", "", "MiB"])
    for (store, kib) in results.memory.sorted(by: { $0.key < $1.key }) {
      let text = Spread(kib.map { $0 / 1024 })?.text(digits: 0) ?? ""
      table.add([name(store), "", text])
    }
    return table
  }

  /// Seconds by cards in the store, and how the time grows.
  private var upkeep: FigureTable {
    let sizes = Set(results.upkeep.values.flatMap(\.keys)).sorted()
    var table = FigureTable(
      title: "Upkeep in seconds", head: ["task"] + sizes.map { "\(name($0)) cards" } + ["growth"])
    for task in results.upkeep.keys.sorted() {
      let spreads = sizes.map { results.upkeep[task]?[$0].flatMap { Spread($0) } }
      let medians = spreads.compactMap { $0?.median }
      let growth = zip(medians, medians.dropFirst()).map {
        "× \(BenchReport.decimal($1 / max($0, 1), digits: 1))"
      }
      table.add(
        [task]
          + spreads.map { $0.flatMap { Self.seconds($0).text(digits: 2) } ?? "" }
          + [growth.joined(separator: ", ")])
    }
    return table
  }

  private static func seconds(_ spread: Spread) -> Spread {
    let figures = [spread.least, spread.median, spread.greatest].map { $0 / 1e3 }
    return Spread(figures) ?? spread
  }
}

struct FigureTable {
  let title: String
  let head: [String]
  private(set) var rows: [[String]] = []

  /// Adds a row, unless it holds no figure.
  mutating func add(_ row: [String]) {
    let labels = head.first == "task" ? 1 : 2
    if row.dropFirst(labels).contains(where: { !$0.isEmpty }) { rows.append(row) }
  }

  /// For a terminal.
  var text: String {
    let widths = head.indices.map { column in
      ([head] + rows).map { $0[column].count }.max() ?? 0
    }
    let lines = ([head] + rows).map { row in
      zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }
        .joined(separator: "  ")
    }
    return "\(title)\n" + lines.joined(separator: "\n") + "\n"
  }

  /// For a page.
  var markdown: String {
    let lines = [head, head.map { _ in "---" }] + rows
    return "\(title):\n\n"
      + lines.map { "| " + $0.joined(separator: " | ") + " |" }.joined(separator: "\n") + "\n"
  }
}
