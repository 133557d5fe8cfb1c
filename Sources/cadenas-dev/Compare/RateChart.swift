/// A line chart over the number of connections, as SVG.
struct RateChart {
  /// The figure that the chart draws.
  enum Metric: String, CaseIterable {
    /// Answers a second.
    case rate
    /// The 99th percentile of latency in milliseconds.
    case p99

    var title: String { self == .rate ? "answers a second" : "p99 in ms" }
  }

  /// One subject's line; nil where nothing was measured.
  struct Line {
    let name: String
    let values: [Double?]
  }

  private static let width = 720
  private static let height = 400
  private static let left = 70
  private static let right = 190
  private static let top = 40
  private static let bottom = 45
  private static let colours = [
    "#1b6ca8", "#c8553d", "#2e7d32", "#7b4fa3", "#8a6d00", "#00838f", "#ad1457", "#5d4037",
    "#546e7a", "#ef6c00",
  ]

  private let title: String
  private let connections: [Int]
  let lines: [Line]

  /// The vault on a store of `store` cards, and its peers.
  init(_ results: BenchResults, store: Int, metric: Metric) {
    title = "\(metric.title), \(store == 0 ? "empty store" : "\(store) cards")"
    let connections = results.connections
    self.connections = connections
    lines = results.series.compactMap { subject, operation in
      let values = connections.map { count -> Double? in
        let key = BenchResults.Key(
          subject: subject, operation: operation, store: subject == "cadenas" ? store : 0,
          connections: count)
        return results.spread(key) { metric == .rate ? $0.perSecond : $0.p99 / 1e3 }?.median
      }
      guard values.contains(where: { $0 != nil }) else { return nil }
      return Line(name: subject == "cadenas" ? operation : subject, values: values)
    }
  }

  var svg: String {
    let values = lines.flatMap { $0.values.compactMap { $0 } }
    let ticks = Self.ticks(upTo: values.max() ?? 1)
    var parts = [
      "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 \(Self.width) \(Self.height)' "
        + "font-family='sans-serif' font-size='12'>",
      "<rect width='100%' height='100%' fill='#ffffff'/>",
      "<text x='\(Self.left)' y='22' font-size='15' fill='#222'>\(title)</text>",
    ]
    for tick in ticks {
      let y = place(tick, ticks)
      let label = BenchReport.decimal(tick, digits: tick > 0 && tick < 10 ? 1 : 0)
      parts.append(
        "<line x1='\(Self.left)' x2='\(Self.width - Self.right)' y1='\(y)' y2='\(y)' "
          + "stroke='#dddddd'/><text x='\(Self.left - 6)' y='\(y + 4)' text-anchor='end' "
          + "fill='#444'>\(label)</text>")
    }
    for (index, count) in connections.enumerated() {
      parts.append(Self.axisText("\(count)", x: column(index), y: Self.height - 22))
    }
    let middle = (Self.left + Self.width - Self.right) / 2
    parts.append(Self.axisText("connections", x: middle, y: Self.height - 5))
    for (index, line) in lines.enumerated() { parts.append(draw(line, index, ticks)) }
    return (parts + ["</svg>"]).joined(separator: "\n") + "\n"
  }

  private static func axisText(_ text: String, x: Int, y: Int) -> String {
    "<text x='\(x)' y='\(y)' text-anchor='middle' fill='#444'>\(text)</text>"
  }

  private func draw(_ line: Line, _ index: Int, _ ticks: [Double]) -> String {
    let colour = Self.colours[index % Self.colours.count]
    let points = line.values.enumerated().compactMap { column, value in
      value.map { (x: self.column(column), y: place($0, ticks)) }
    }
    let path = points.map { "\($0.x),\($0.y)" }.joined(separator: " ")
    let dots = points.map { "<circle cx='\($0.x)' cy='\($0.y)' r='3' fill='\(colour)'/>" }
    let y = Self.top + 8 + 18 * index
    let x = Self.width - Self.right + 14
    return "<polyline points='\(path)' fill='none' stroke='\(colour)' stroke-width='2'/>"
      + dots.joined()
      + "<rect x='\(x)' y='\(y - 9)' width='10' height='10' fill='\(colour)'/>"
      + "<text x='\(x + 16)' y='\(y)' fill='#222'>\(line.name)</text>"
  }

  private func column(_ index: Int) -> Int {
    let span = Self.width - Self.left - Self.right
    guard connections.count > 1 else { return Self.left + span / 2 }
    return Self.left + span * index / (connections.count - 1)
  }

  private func place(_ value: Double, _ ticks: [Double]) -> Int {
    let span = Double(Self.height - Self.top - Self.bottom)
    return Self.height - Self.bottom - Int(span * value / (ticks.last ?? 1))
  }

  /// Round figures from 0 to at least `greatest`, four to eight of them.
  static func ticks(upTo greatest: Double) -> [Double] {
    var step = 0.1
    let factors = [2.0, 2.5, 2.0]
    var index = 0
    while step * 8 < greatest {
      step *= factors[index % factors.count]
      index += 1
    }
    let count = max(1, Int((greatest / step).rounded(.up)))
    return (0...count).map { Double($0) * step }
  }
}
