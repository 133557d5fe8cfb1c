import Testing
import VaultCore

@testable import Administration

@Suite struct MetricTests {
  @Test func `seconds have six digits, and what is counted has none`() {
    let metrics = [
      Metric(
        "cadenas_request_seconds_total", .counter, "Time.",
        samples: [
          .init(microseconds: 0, labels: [("a", "x")]), .init(microseconds: 12_000_345),
          .init(microseconds: 999_999), .init(3),
        ])
    ]
    #expect(
      String(decoding: Metric.text(metrics), as: UTF8.self) == """
        # HELP cadenas_request_seconds_total Time.
        # TYPE cadenas_request_seconds_total counter
        cadenas_request_seconds_total{a="x"} 0.000000
        cadenas_request_seconds_total 12.000345
        cadenas_request_seconds_total 0.999999
        cadenas_request_seconds_total 3

        """)
  }

  @Test func `a histogram counts all below each bound`() {
    var counts = DurationCounts()
    for microseconds: Int64 in [1, 1_000, 1_001, 2_500, 40_000_000] {
      counts.add(nanoseconds: microseconds * 1_000)
    }
    let metric = Metric("cadenas_x_seconds", "Time.", histograms: [([("a", "b")], counts)])
    let lines = String(decoding: Metric.text([metric]), as: UTF8.self).split(separator: "\n")
    #expect(lines[1] == "# TYPE cadenas_x_seconds histogram")
    #expect(
      lines[2...4] == [
        #"cadenas_x_seconds_bucket{a="b",le="0.001"} 2"#,
        #"cadenas_x_seconds_bucket{a="b",le="0.0025"} 4"#,
        #"cadenas_x_seconds_bucket{a="b",le="0.005"} 4"#,
      ])
    #expect(
      lines.suffix(4) == [
        #"cadenas_x_seconds_bucket{a="b",le="30"} 4"#,
        #"cadenas_x_seconds_bucket{a="b",le="+Inf"} 5"#,
        #"cadenas_x_seconds_sum{a="b"} 40.004502"#, #"cadenas_x_seconds_count{a="b"} 5"#,
      ])
    #expect(counts.bound(of: 0.5) == 2_500 && counts.bound(of: 0.99) == nil)
    #expect(DurationCounts().bound(of: 0.5) == nil)
  }
}
