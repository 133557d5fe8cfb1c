/// Operations by day, as bars in an inline SVG that prints as it looks.
struct ReportChart {
  private static let width = 720
  private static let height = 220
  private static let left = 56
  private static let bottom = 28
  private static let top = 10
  /// The most days that have a bar of their own.
  private static let mostBars = 92

  /// Fill and hatching, so that kinds are told apart without colours too.
  private static let fills: [AuditStatistics.Kind: String] = [
    .tokenized: "#1f6f5c", .detokenized: "#3f6fb5", .deleted: "#9a9a9a", .refused: "#b3432b",
  ]

  private struct Bar {
    let label: String
    var counts = AuditStatistics.Counts()
  }

  private let bars: [Bar]

  /// A chart of the days from `first` to before `end`, in Unix milliseconds; days are joined where there
  /// are more than fit.
  init(
    _ days: [Int64: AuditStatistics.Counts], from first: Int64, to end: Int64,
    label: (Int64) -> String
  ) {
    let day: Int64 = 86_400_000
    let begin = first - (first % day + day) % day
    let count = Int(max(1, (end - begin + day - 1) / day))
    let joined = (count + Self.mostBars - 1) / Self.mostBars
    var bars: [Bar] = []
    for start in stride(from: 0, to: count, by: joined) {
      var bar = Bar(label: label(begin + Int64(start) * day))
      for offset in start..<min(count, start + joined) {
        guard let counts = days[begin + Int64(offset) * day] else { continue }
        for kind in AuditStatistics.Kind.allCases { bar.counts[kind] += counts[kind] }
      }
      bars.append(bar)
    }
    self.bars = bars
  }

  /// Writes the chart and its legend.
  func write(to html: inout HTMLWriter) {
    let most = max(1, bars.map(\.counts.total).max() ?? 1)
    let ceiling = Self.roundedUp(most)
    html.markup("<svg role=\"img\" aria-label=\"Operations by day\" viewBox=\"0 0 720 220\">")
    for step in 0...4 {
      let value = ceiling * UInt64(step) / 4
      line(at: y(value, ceiling), label: String(value), to: &html)
    }
    let space = Double(Self.width - Self.left) / Double(bars.count)
    for (index, bar) in bars.enumerated() {
      let x = Double(Self.left) + Double(index) * space
      write(bar, x: x, width: max(1, space * 0.8), ceiling, to: &html)
      if index % max(1, bars.count / 8) == 0 {
        label(bar.label, x: x + space * 0.4, to: &html)
      }
    }
    html.markup("</svg><ul class=\"legend\">")
    for kind in AuditStatistics.Kind.allCases {
      html.markup("<li><span style=\"background:")
      html.text(Self.fills[kind] ?? "#000")
      html.markup("\"></span>")
      html.text(kind.title)
      html.markup("</li>")
    }
    html.markup("</ul>\n")
  }

  private func write(
    _ bar: Bar, x: Double, width: Double, _ ceiling: UInt64, to html: inout HTMLWriter
  ) {
    var below: UInt64 = 0
    for kind in AuditStatistics.Kind.allCases where bar.counts[kind] > 0 {
      let bottom = y(below, ceiling)
      below += bar.counts[kind]
      let top = y(below, ceiling)
      html.markup("<rect x=\"")
      html.text(Self.number(x))
      html.markup("\" y=\"")
      html.text(Self.number(top))
      html.markup("\" width=\"")
      html.text(Self.number(width))
      html.markup("\" height=\"")
      html.text(Self.number(max(0.5, bottom - top)))
      html.markup("\" fill=\"")
      html.text(Self.fills[kind] ?? "#000")
      html.markup("\"><title>")
      html.text("\(bar.label): \(bar.counts[kind]) \(kind.title)")
      html.markup("</title></rect>")
    }
  }

  private func line(at y: Double, label: String, to html: inout HTMLWriter) {
    html.markup("<line x1=\"56\" x2=\"720\" class=\"grid\" y1=\"")
    html.text(Self.number(y))
    html.markup("\" y2=\"")
    html.text(Self.number(y))
    html.markup("\"/><text x=\"50\" class=\"axis end\" y=\"")
    html.text(Self.number(y + 4))
    html.markup("\">")
    html.text(label)
    html.markup("</text>")
  }

  private func label(_ text: String, x: Double, to html: inout HTMLWriter) {
    html.markup("<text class=\"axis middle\" y=\"212\" x=\"")
    html.text(Self.number(x))
    html.markup("\">")
    html.text(text)
    html.markup("</text>")
  }

  private func y(_ value: UInt64, _ ceiling: UInt64) -> Double {
    let room = Double(Self.height - Self.bottom - Self.top)
    return Double(Self.top) + room * (1 - Double(value) / Double(ceiling))
  }

  /// The next of 4, 8, 12, 20, 40, 80, 120, … so that quarters are whole.
  private static func roundedUp(_ value: UInt64) -> UInt64 {
    var unit: UInt64 = 4
    while unit < UInt64.max / 10 {
      for factor: UInt64 in [1, 2, 3, 5] where unit * factor >= value { return unit * factor }
      unit *= 10
    }
    return value
  }

  private static func number(_ value: Double) -> String {
    let tenths = Int((value * 10).rounded())
    return "\(tenths / 10).\(tenths % 10)"
  }
}

extension AuditStatistics.Kind {
  /// What it is called in tables and the legend.
  var title: String {
    switch self {
    case .tokenized: "tokenized"
    case .detokenized: "detokenized"
    case .deleted: "deleted"
    case .refused: "refused"
    }
  }
}
