import TestNetwork
import Testing

@testable import cadenas_dev

extension EndToEnd {
  /// What is left of card numbers: nothing.
  ///
  /// Reading the memory of a vault takes root, and these tests fail without.
  @Suite(.stage { $0.replacing("16GiB", with: "64MiB") }) struct ResidueTests {
    @Test func noNumberIsLeftInMemoryWithConnectionsOpenAndClosed() async throws {
      let stage = try Stage.current
      let traffic = CardTraffic(stage)
      try await traffic.run()
      try await expectNothing(in: stage, of: traffic.numbers, "connections open")
      await traffic.close()
      try await eventually("all connections are gone") {
        try stage.cadenas("metrics").contains("\ncadenas_connections 0\n")
      }
      try await expectNothing(in: stage, of: traffic.numbers, "connections closed")
    }

    /// The search itself is put to the test: it finds what must be there.
    @Test func aNumberOfARequestThatIsNotCompleteIsFoundAndGoneAfterwards() async throws {
      let stage = try Stage.current
      let traffic = CardTraffic(stage)
      let wire = try await stage.connect()
      let number = traffic.newNumber()
      try await wire.send(String(WireRequest.tokenize(number).text.dropLast(1)))
      let search = NumberSearch([number])
      try await eventually("the number is in memory") {
        try !ProcessMemory(of: try stage.running.vaultProcess).find(search).isEmpty
      }
      try await wire.send("}")
      expect(try await wire.answer(), 201)
      try await expectNothing(in: stage, of: [number], "afterwards")
    }

    @Test func aSearchFindsEveryForm() {
      let number = "4970105181818183"
      let search = NumberSearch([number])
      for form in NumberSearch.Form.allCases {
        let bytes = [UInt8](repeating: 7, count: 100) + form.bytes(of: number) + [9]
        #expect(search.hits(in: bytes).map(\.form) == [form], "\(form)")
        #expect(search.hits(in: Array(bytes.dropLast(3))).isEmpty, "\(form)")
      }
    }

    @Test func noNumberIsLeftOnDiskInAnswersLogsMetricsOrAudit() async throws {
      let stage = try Stage.current
      let traffic = CardTraffic(stage)
      try await traffic.run()
      await traffic.close()
      let search = NumberSearch(traffic.numbers)
      for answer in traffic.answers {
        let text = answer.body + answer.fields.map { "\($0): \($1)" }.joined(separator: "\n")
        #expect(search.hits(in: Array(text.utf8)).isEmpty, "\(answer.status) \(answer.body)")
      }
      for command in [["metrics"], ["status"], ["audit", "show"], ["store", "stats"], ["check"]] {
        let text = try stage.cadenas(command)
        #expect(!text.isEmpty)
        #expect(search.hits(in: Array(text.utf8)).isEmpty, "\(command)")
      }
      try await stage.logLine(with: "request")
      let files = try ChildProcess.run(["find", stage.directory, "-type", "f"]).split(
        separator: "\n")
      #expect(files.contains { $0.hasSuffix("/cards.mdb") })
      #expect(files.contains { $0.hasSuffix("/vault.log") })
      for file in files {
        let size = UInt64(try DevelopmentFiles.read(String(file)).count)
        let hits = try search.hits(in: String(file), ranges: [0..<size])
        #expect(hits.isEmpty, "\(file): \(hits)")
      }
    }

    /// Looks a few times: what a thread has still to clear may take it a moment.
    private func expectNothing(in stage: Stage, of numbers: [String], _ when: String) async throws {
      let search = NumberSearch(numbers)
      var found: [String] = []
      for _ in 0..<20 {
        found = try ProcessMemory(of: try stage.running.vaultProcess).find(search)
        if found.isEmpty { return }
        try await pause(milliseconds: 250)
      }
      Issue.record("\(when): \(found.count) numbers\n\(found.prefix(20).joined(separator: "\n"))")
    }
  }
}
