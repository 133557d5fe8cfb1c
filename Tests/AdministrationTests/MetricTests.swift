import Testing

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
}
