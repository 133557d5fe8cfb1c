import Glibc
import Synchronization
import TestNetwork
import Testing

@testable import cadenas_dev

extension EndToEnd {
  /// Stopping, and what keeps a vault from starting.
  @Suite(.stage) struct StopTests {
    @Test func whatWasAcceptedIsAnsweredAndWhatWasNotLeavesNoMark() async throws {
      let stage = try Stage.current
      let token = try await stage.token(of: TestCard.visa)
      let seen = SeenCards()
      let start = TestCardNumbers.randomStart()
      let payment = try await stage.connect()
      let before = try await stage.received().count
      try await payment.send(WireRequest.push(token, amount: 100_010, key: "slow").text)
      try await eventually("the acquirer has it") { try await stage.received().count > before }
      try await withThrowingTaskGroup(of: Void.self) { group in
        for client in 0..<16 {
          group.addTask {
            let wire = try await stage.connect()
            var numbers = TestCardNumbers(first: start, offset: client, stride: 16)
            while true {
              var digits = [UInt8](repeating: 0, count: TestCardNumbers.length)
              numbers.next(into: &digits)
              let number = String(decoding: digits, as: UTF8.self)
              seen.sent(number)
              guard let answer = try? await wire.ask(.tokenize(number)) else { return }
              guard answer.status != 503 else {
                expect(answer, 503, "shutting-down")
                return
              }
              expect(answer, 201)
              seen.answered(number)
              if answer.fields["connection"] == "close" { return }
            }
          }
        }
        try await eventually("the load goes on") { seen.state.answered.count >= 200 }
        let status = try await stage.stop()
        #expect(status == .exited(0))
        try await group.waitForAll()
      }
      let paid = try await payment.answer()
      expect(paid, 200)
      #expect(paid["outcome"] == "approved")

      try await stage.start()
      let wire = try await stage.connect()
      let (sent, answered) = seen.state
      for number in sent {
        let again = try await wire.ask(.tokenize(number))
        #expect(again.status == (answered.contains(number) ? 200 : 201))
      }
      _ = try stage.cadenas("audit", "verify")
    }

    @Test func aStopDoesNotWaitForIdleClientsWhoDoNotSayFarewell() async throws {
      let stage = try Stage.current
      let mute = try await stage.connect()
      #expect([200, 201].contains(try await mute.ask(.tokenize(TestCard.visa)).status))
      try await mute.stopReading()
      let stranger = BareConnections(port: try stage.running.vault.port)
      try await stranger.open(1)
      try await eventually("both are there") {
        try stage.cadenas("metrics").contains("\ncadenas_connections 2\n")
      }
      let start = ContinuousClock.now
      #expect(try await stage.stop() == .exited(0))
      // TLS by itself waits for five, and so does a handshake.
      #expect(ContinuousClock.now - start < .milliseconds(4_500))
      await stranger.end()
      try await stage.start()
    }

    @Test func aRequestThatComesWhileItStopsIsToldSo() async throws {
      let stage = try Stage.current
      let token = try await stage.token(of: TestCard.visa)
      let slow = try await stage.connect()
      let late = try await stage.connect()
      let idle = try await stage.connect()
      #expect(try await idle.ask(.tokenize(TestCard.visa)).status == 200)
      let request = WireRequest.tokenize(TestCard.visa).text
      let before = try await stage.received().count
      try await slow.send(WireRequest.push(token, amount: 100_010, key: "stop").text)
      try await eventually("the acquirer has it") { try await stage.received().count > before }
      // One TLS record with a request and half of another: with the answer the half is there too.
      try await late.send(request + request.prefix(20))
      #expect(try await late.answer().status == 200)
      async let status = stage.stop()
      #expect(try await idle.untilClosed() == "", "what is idle is closed")
      try await late.send(String(request.dropFirst(20)))
      let answer = try await late.answer()
      expect(answer, 503, "shutting-down")
      #expect(answer.fields["connection"] == "close")
      expect(try await slow.answer(), 200)
      #expect(try await status == .exited(0))
      try await stage.start()
    }

    @Test func aDeletedCardIsANewOneAfterARestartToo() async throws {
      let stage = try Stage.current
      let number = "4462030000000000"
      let first = try await stage.ask(.tokenize(number))
      expect(first, 201)
      try await stage.stop()
      try await stage.start()
      expect(try await stage.ask(.delete(first["token"] ?? "")), 204)
      try await stage.stop()
      try await stage.start()
      let second = try await stage.ask(.tokenize(number))
      expect(second, 201)
      #expect(second["token"] != first["token"])
      #expect(try await stage.ask(.tokenize(number))["token"] == second["token"])
    }

    @Test func keysForDevelopmentAreRefusedByAVaultThatIsNone() async throws {
      let stage = try Stage.current
      try await stage.stop()
      try stage.configure { $0.replacing("development: true\n", with: "") }
      let failure = #expect(throws: DevelopmentError.self) { try stage.cadenas("serve") }
      guard case .toolFailed(_, let status, let output) = failure else {
        Issue.record("it ended in another way")
        return
      }
      #expect(status == "status 2")
      #expect(output.contains("development"))
      try stage.configure { "development: true\n" + $0 }
      try await stage.start()
    }

    @Test func aSecondVaultOnTheSameStoreIsToldWhoHasIt() async throws {
      let stage = try Stage.current
      let failure = #expect(throws: DevelopmentError.self) { try stage.cadenas("serve") }
      guard case .toolFailed(_, let status, let output) = failure else {
        Issue.record("it ended in another way")
        return
      }
      #expect(status == "status 3")
      #expect(output.contains("in use by process \(try stage.running.vaultProcess)"))
      #expect(try await stage.ask(.tokenize(TestCard.visa)).status < 300)
    }
  }
}

/// Which cards were sent, and which of them were answered.
private final class SeenCards: Sendable {
  private let cards = Mutex<(sent: Set<String>, answered: Set<String>)>(([], []))

  var state: (sent: Set<String>, answered: Set<String>) { cards.withLock { $0 } }

  func sent(_ number: String) { cards.withLock { _ = $0.sent.insert(number) } }

  func answered(_ number: String) { cards.withLock { _ = $0.answered.insert(number) } }
}
