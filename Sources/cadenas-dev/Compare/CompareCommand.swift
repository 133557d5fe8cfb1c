import ArgumentParser

struct CompareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract: "Make tables and charts of what deploy/bench has measured.",
    discussion: """
      FILE holds one JSON object a line, as 'cadenas-dev bench --format json' writes them, each with \
      the members subject, store (cards in it at the start) and round added. A figure is the median \
      of its rounds, with the least and the greatest; a ratio is made within a round first.
      """)

  enum Format: String, ExpressibleByArgument, CaseIterable { case table, markdown }

  @Argument(help: ArgumentHelp("What was measured.", valueName: "file"))
  var file: String

  @Option(help: ArgumentHelp("Write charts (SVG) to this directory.", valueName: "dir"))
  var charts: String?

  @Option(help: "How tables are written.")
  var format = Format.table

  func run() throws {
    let results = try BenchResults(try DevelopmentFiles.read(file))
    for table in ComparisonTables(results: results).all where !table.rows.isEmpty {
      Terminal.say(format == .markdown ? table.markdown : table.text)
    }
    guard let charts else { return }
    try DevelopmentFiles.makeDirectories(charts)
    for store in results.stores {
      for metric in RateChart.Metric.allCases {
        let chart = RateChart(results, store: store, metric: metric)
        guard !chart.lines.isEmpty else { continue }
        let path = "\(charts)/bench-\(metric.rawValue)-\(store).svg"
        try DevelopmentFiles.write(Array(chart.svg.utf8), to: path, mode: 0o644)
      }
    }
  }
}
