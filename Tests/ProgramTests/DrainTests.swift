import TestNetwork
import Testing

@testable import cadenas_dev

extension EndToEnd {
  /// A stop that does not wait for ever, and an acquirer that is not waited for.
  @Suite(.stage(limits: ["drain_seconds": 1, "acquirer_answer_seconds": 60]))
  struct DrainTests {
    @Test func whatIsNotAnsweredWithinTheDrainLimitIsUnknownForEver() async throws {
      let stage = try Stage.current
      let token = try await stage.token(of: TestCard.visa)
      // A machine that is very slow may let the acquirer answer first; then the next one is tried.
      for attempt in 0..<5 {
        let request = WireRequest.push(token, amount: 100_010, key: "drained-\(attempt)")
        let wire = try await stage.connect()
        try await wire.send(request.text)
        try await eventually("the acquirer has it") { try await stage.received().count == 1 }
        let payment = try await stage.received().identifiers
        #expect(try await stage.stop() == .exited(0))
        let isCutOff = stage.logs().contains("the drain limit passed with requests unanswered")
        try await stage.start()
        guard isCutOff else { continue }

        let answer = try await stage.ask(request)
        expect(answer, 504, "outcome-unknown")
        #expect(answer["payment_id"].map { [$0] } == payment)
        #expect(try await stage.received().count == 0)
        return
      }
      Issue.record("every payment was answered in time")
    }

    @Test func anAcquirerThatTakesTooLongLeavesTheOutcomeOpen() async throws {
      let stage = try Stage.current
      let token = try await stage.token(of: TestCard.visa)
      try await stage.stop()
      try stage.configure {
        $0.replacing("acquirer_answer_seconds: 60", with: "acquirer_answer_seconds: 1")
      }
      try await stage.start()
      let answer = try await stage.ask(.push(token, amount: 100_010, key: "late"))
      expect(answer, 504, "outcome-unknown")
      try await eventually("the acquirer has read it") {
        try await stage.received().identifiers == answer["payment_id"].map { [$0] }
      }
      let again = try await stage.ask(.push(token, amount: 100_010, key: "late"))
      #expect(again.body == answer.body)
      #expect(try await stage.received().count == 1)
    }
  }
}
