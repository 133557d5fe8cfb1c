package import VaultCore

/// A figure of the service with its samples, for Prometheus.
package struct Metric {
  /// What the figure is.
  package enum Kind: String, Sendable {
    /// Only grows while the process lives.
    case counter
    /// Goes up and down.
    case gauge
    /// Counts in classes, each with all below it.
    case histogram
  }

  /// One value of the figure.
  package struct Sample {
    /// What tells it from the other samples: names and values.
    package let labels: [(name: String, value: String)]
    package let value: Int64
    private let isMicroseconds: Bool
    /// What comes after the figure's name: `_bucket`, `_sum` and `_count` of a histogram.
    fileprivate let suffix: String

    /// A value with its labels.
    package init(_ value: Int64, labels: [(name: String, value: String)] = []) {
      self.value = value
      self.labels = labels
      isMicroseconds = false
      suffix = ""
    }

    /// A time in seconds, which is known to the microsecond.
    package init(microseconds: Int64, labels: [(name: String, value: String)] = []) {
      value = microseconds
      self.labels = labels
      isMicroseconds = true
      suffix = ""
    }

    fileprivate init(
      _ suffix: String, _ value: Int64, isMicroseconds: Bool = false,
      labels: [(name: String, value: String)]
    ) {
      self.suffix = suffix
      self.value = value
      self.isMicroseconds = isMicroseconds
      self.labels = labels
    }

    /// The value as it is written: a whole number, or seconds and six digits.
    fileprivate var text: String {
      isMicroseconds ? Metric.seconds(value) : "\(value)"
    }
  }

  /// Seconds and six digits.
  private static func seconds(_ microseconds: Int64) -> String {
    let (seconds, rest) = microseconds.quotientAndRemainder(dividingBy: 1_000_000)
    let digits = "\(rest)"
    return "\(seconds)." + String(repeating: "0", count: 6 - digits.utf8.count) + digits
  }

  /// `cadenas_…`, with the unit last, one of Prometheus' base units (seconds, bytes); a counter ends in
  /// `_total`, and nothing else does.
  package var name: String
  /// A sentence without line feeds.
  package var help: String
  package var kind: Kind
  package var samples: [Sample]

  /// A figure with several samples.
  package init(_ name: String, _ kind: Kind, _ help: String, samples: [Sample]) {
    self.name = name
    self.help = help
    self.kind = kind
    self.samples = samples
  }

  /// A figure with one value.
  package init(_ name: String, _ kind: Kind, _ help: String, _ value: Int64) {
    self.init(name, kind, help, samples: [Sample(value)])
  }
}

extension Metric {
  /// Times by class, once for each set of labels.
  package init(
    _ name: String, _ help: String,
    histograms: [(labels: [(name: String, value: String)], counts: DurationCounts)]
  ) {
    let samples = histograms.flatMap { labels, counts in
      var sum: Int64 = 0
      var samples: [Sample] = []
      for (place, count) in counts.counts.enumerated() {
        sum += count
        let bounds = DurationCounts.boundsMicroseconds
        let bound = place < bounds.count ? Self.shortSeconds(bounds[place]) : "+Inf"
        samples.append(Sample("_bucket", sum, labels: labels + [("le", bound)]))
      }
      return samples + [
        Sample("_sum", counts.microseconds, isMicroseconds: true, labels: labels),
        Sample("_count", sum, labels: labels),
      ]
    }
    self.init(name, .histogram, help, samples: samples)
  }

  /// A bound without zeros at its end: `0.0025`, `1`.
  private static func shortSeconds(_ microseconds: Int64) -> String {
    var text = seconds(microseconds)
    while text.hasSuffix("0") { text.removeLast() }
    if text.hasSuffix(".") { text.removeLast() }
    return text
  }

  /// The text of `metrics`.
  /// - Source: Prometheus, text-based exposition format 0.0.4.
  package static func text(_ metrics: [Metric]) -> [UInt8] {
    var text = ""
    for metric in metrics {
      text +=
        "# HELP \(metric.name) \(metric.help)\n# TYPE \(metric.name) \(metric.kind.rawValue)\n"
      for sample in metric.samples {
        let labels = sample.labels.map { "\($0.name)=\"\(escape($0.value))\"" }
        text += metric.name + sample.suffix
        if !labels.isEmpty { text += "{\(labels.joined(separator: ","))}" }
        text += " \(sample.text)\n"
      }
    }
    return Array(text.utf8)
  }

  private static func escape(_ value: String) -> String {
    var escaped = ""
    for character in value.unicodeScalars {
      switch character {
      case "\\": escaped += "\\\\"
      case "\"": escaped += "\\\""
      case "\n": escaped += "\\n"
      default: escaped.unicodeScalars.append(character)
      }
    }
    return escaped
  }
}
