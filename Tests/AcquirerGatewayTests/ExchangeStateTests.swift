import Testing
import Tokenization
import VaultCore

@testable import AcquirerGateway

@Suite struct ExchangeStateTests {
  static let failures: [(ExchangeState.Event, String, String)] = [
    (.connectFailed, "connect-failed", "connection-closed"),
    (.tlsFailed, "tls", "connection-closed"),
    (.connectTimedOut, "connect-timeout", "connection-closed"),
    (.answerTooLarge, "tls", "answer-too-large"),
    (.answerCoded, "tls", "content-coding"),
    (.notHTTP, "tls", "not-http"),
    (.answerTimedOut, "tls", "answer-timeout"),
    (.connectionClosed(hasBytes: false), "tls", "connection-closed"),
    (.stopped, "shutting-down", "shutdown"),
  ]

  @Test(arguments: failures)
  func `before sending, a failure means not sent`(
    event: ExchangeState.Event, before: String, after: String
  ) {
    var state = ExchangeState()
    #expect(state.receive(event) == .finish(.notSent(cause: before)))
    #expect(state.receive(.connected(isKept: false)) == .nothing)
  }

  @Test(arguments: failures)
  func `from sending on, a failure means unknown`(
    event: ExchangeState.Event, before: String, after: String
  ) {
    var state = ExchangeState()
    #expect(state.receive(.connected(isKept: false)) == .send)
    #expect(state.receive(event) == .finish(.unknown(cause: after)))
    #expect(state.receive(.answerCompleted) == .nothing)
    state = ExchangeState()
    _ = state.receive(.connected(isKept: false))
    _ = state.receive(.headReceived(status: 200))
    #expect(state.receive(event) == .finish(.unknown(cause: after)))
  }

  @Test func `a whole answer ends it once`() {
    var state = ExchangeState()
    #expect(state.receive(.connected(isKept: false)) == .send)
    #expect(state.receive(.connected(isKept: false)) == .nothing)
    #expect(state.receive(.headReceived(status: 402)) == .nothing)
    #expect(state.receive(.answerCompleted) == .finish(.answered(status: 402)))
    #expect(state.receive(.connectionClosed(hasBytes: true)) == .nothing)
  }

  @Test func `an end without a head is no answer`() {
    var state = ExchangeState()
    _ = state.receive(.connected(isKept: false))
    #expect(state.receive(.answerCompleted) == .finish(.unknown(cause: "not-http")))
  }

  @Test func `a reply that is forgotten is given when it goes`() async {
    let notSent = await withCheckedContinuation { continuation in
      _ = OutcomeReply { continuation.resume(returning: describe($0)) }
    }
    #expect(notSent == "not-sent shutting-down")
    let unknown = await withCheckedContinuation { continuation in
      OutcomeReply { continuation.resume(returning: describe($0)) }.willSend()
    }
    #expect(unknown == "unknown shutdown")
  }

  @Test func `a reply is given once`() async {
    let outcome = await withCheckedContinuation { continuation in
      let reply = OutcomeReply { continuation.resume(returning: describe($0)) }
      reply.give(.rejected(code: "1"))
      reply.give(.rejected(code: "2"))
    }
    #expect(outcome == "rejected 1")
  }
}
