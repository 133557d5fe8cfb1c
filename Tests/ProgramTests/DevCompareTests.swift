import Testing

@testable import cadenas_dev

@Suite struct DevCompareTests {
  private static func line(
    _ subject: String, _ operation: String, round: Int, rate: Int, store: Int = 0,
    connections: Int = 64, extra: String = ""
  ) -> String {
    #"{"subject":"\#(subject)","store":\#(store),"round":\#(round),"operation":"\#(operation)","#
      + #""connections":\#(connections),\#(extra)"per_second":\#(rate),"p50_us":900,"p99_us":2500,"#
      + #""client_is_bottleneck":false}"#
  }

  private static func results(_ lines: [String]) throws -> BenchResults {
    try BenchResults(Array(lines.joined(separator: "\n").utf8))
  }

  @Test func aSpreadIsTheMedianWithTheLeastAndTheGreatest() {
    #expect(Spread([3, 1, 2])?.text(digits: 0) == "2 (1–3)")
    #expect(Spread([1, 2])?.text(digits: 1) == "1.5 (1.0–2.0)")
    #expect(Spread([4])?.text(digits: 0) == "4")
    #expect(Spread([]) == nil)
  }

  @Test func aRatioIsMadeWithinARoundAndPacedRunsAreNoPartOfIt() throws {
    let results = try Self.results([
      Self.line("cadenas", "tokenize-new", round: 1, rate: 100),
      Self.line("redis", "set", round: 1, rate: 200),
      Self.line("cadenas", "tokenize-new", round: 2, rate: 300),
      Self.line("redis", "set", round: 2, rate: 300),
      Self.line("cadenas", "tokenize-new", round: 3, rate: 999),
      Self.line("cadenas", "tokenize-new", round: 1, rate: 50, extra: #""rate":50,"#),
    ])
    let own = BenchResults.Key(
      subject: "cadenas", operation: "tokenize-new", store: 0, connections: 64)
    let peer = BenchResults.Key(subject: "redis", operation: "set", store: 0, connections: 64)
    #expect(results.ratio(own, to: peer)?.text(digits: 2) == "0.75 (0.50–1.00)")
    #expect(results.ratio(peer, to: own)?.greatest == 2)
    #expect(results.spread(own) { $0.perSecond }?.greatest == 999)
  }

  @Test func tablesNameWhoWasMeasuredAndLeaveOutWhatWasNot() throws {
    let results = try Self.results([
      Self.line("cadenas", "tokenize-new", round: 1, rate: 100),
      Self.line("cadenas", "tokenize-new", round: 1, rate: 90, store: 1_000_000),
      Self.line("nginx", "fixed", round: 1, rate: 400, connections: 256),
      Self.line("nginx", "fixed", round: 1, rate: 200),
      #"{"task":"start","store":100000,"round":1,"milliseconds":200}"#,
      #"{"task":"start","store":1000000,"round":1,"milliseconds":1500}"#,
    ])
    let tables = ComparisonTables(results: results).all
    #expect(
      tables[0].rows == [
        ["tokenize-new / nginx", "empty", "0.50", ""],
        ["tokenize-new / nginx", "1 M", "0.45", ""],
        ["tokenize-new / itself on empty store", "1 M", "0.90", ""],
      ])
    #expect(tables[1].rows.last == ["nginx fixed", "", "200", "400"])
    #expect(tables.last?.rows == [["start", "0.20", "1.50", "× 7.5"]])
    #expect(tables[0].markdown.contains("| tokenize-new / nginx | empty | 0.50 |  |"))
  }

  @Test func aChartHasALineForEachAndRoundTicks() throws {
    let results = try Self.results([
      Self.line("cadenas", "tokenize-new", round: 1, rate: 100, connections: 1),
      Self.line("cadenas", "tokenize-new", round: 1, rate: 1_900),
      Self.line("redis", "set", round: 1, rate: 2_000),
    ])
    let chart = RateChart(results, store: 0, metric: .rate)
    #expect(chart.lines.map(\.name) == ["tokenize-new", "redis"])
    #expect(chart.svg.components(of: "<polyline") == 2)
    #expect(RateChart.ticks(upTo: 2_000) == [0, 500, 1_000, 1_500, 2_000])
    #expect(RateChart.ticks(upTo: 0.75).last == 0.8)
  }
}

extension String {
  fileprivate func components(of text: String) -> Int { ranges(of: text).count }
}
