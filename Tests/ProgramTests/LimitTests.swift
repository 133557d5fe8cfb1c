import NIOCore
import NIOPosix
import TestNetwork
import Testing

@testable import cadenas_dev

extension EndToEnd {
  /// Limits, with a configuration in which they are met soon.
  @Suite(.stage(limits: ["connections": 24, "writer_queue": 1])) struct LimitTests {
    static let connections = 24

    @Test func aHeaderOfEightKibibytesIsTheLongest() async throws {
      let wire = try await Stage.current.connect()
      var request = WireRequest.tokenize(TestCard.visa)
      request.headers = [("X-Long", "")]
      let rest = request.text.utf8.count - (request.body?.utf8.count ?? 0)
      request.headers = [("X-Long", String(repeating: "a", count: 8_192 - rest))]
      #expect([200, 201].contains(try await wire.ask(request).status))
      request.headers[0].value += "a"
      expect(try await wire.ask(request), 431, "header-too-large")
      #expect(try await wire.untilClosed() == "")
    }

    @Test func aHeaderWithoutEndIsRefusedAndNotCollected() async throws {
      let wire = try await Stage.current.connect()
      try await wire.send(
        "POST /v1/tokens HTTP/1.1\r\nX: " + String(repeating: "a", count: 100_000))
      expect(try await wire.answer(), 431, "header-too-large")
      #expect(try await wire.untilClosed() == "")
    }

    @Test func aBodyOfFourKibibytesIsTheLongest() async throws {
      let wire = try await Stage.current.connect()
      var request = WireRequest.tokenize(TestCard.visa)
      let body = request.body ?? ""
      request.body = body + String(repeating: " ", count: 4_096 - body.utf8.count)
      #expect([200, 201].contains(try await wire.ask(request).status))
      request.body? += " "
      expect(try await wire.ask(request), 413, "body-too-large")
      #expect(try await wire.untilClosed() == "")
    }

    @Test func thatOfADetokenizeIsOfSixteen() async throws {
      let wire = try await Stage.current.connect()
      let token = try await Stage.current.token(of: TestCard.visa)
      let body = "{}" + String(repeating: " ", count: 16_382)
      expect(
        try await wire.ask(.push(token, body: body, key: "long")), 422, "missing-member",
        pointer: "/acquirer")
      expect(
        try await wire.ask(.push(token, body: body + " ", key: "long")), 413, "body-too-large")
      #expect(try await wire.untilClosed() == "")
    }

    @Test(arguments: ["5000", "9223372036854775808", "99999999999999999999999999"])
    func aLengthPastTheLimitIsRefusedBeforeItsBodyComes(length: String) async throws {
      let wire = try await Stage.current.connect()
      try await wire.send(
        "POST /v1/tokens HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
          + "Content-Length: \(length)\r\n\r\n")
      expect(try await wire.answer(), 413, "body-too-large")
      #expect(try await wire.untilClosed() == "")
    }

    @Test func connectionsPastTheLimitAreClosedAndCountedAndTheServiceGoesOn() async throws {
      let stage = try Stage.current
      try await eventually("connections of other tests are gone") {
        try Stage.current.metric("cadenas_connections ") == 0
      }
      let before = try Stage.current.counted("connections_over_limit")
      var open: [Wire] = []
      for _ in 0..<Self.connections {
        let wire = try await stage.connect()
        #expect(try await wire.ask(.tokenize(TestCard.visa)).status < 300)
        open.append(wire)
      }
      do {
        let tooMany = try await stage.connect()
        #expect(try await tooMany.untilClosed() == "")
      } catch is Wire.Failed {
        Issue.record("the connection past the limit stays open")
      } catch {
        // Closed before the handshake: as good.
      }
      #expect(try Stage.current.counted("connections_over_limit") == before + 1)
      await open[0].close()
      try await eventually("one may connect again") {
        (try? await stage.ask(.tokenize(TestCard.visa)).status) == 200
      }
      for wire in open { await wire.close() }
    }

    @Test func aQueueThatIsFullIsOverloadedAndNothingElse() async throws {
      // Clients that are slow may find it empty each time; then others come.
      for round in 0..<50 {
        let answers = try await crowd(round)
        let refused = answers.filter { $0.status != 201 }
        for answer in refused { expect(answer, 503, "overloaded") }
        #expect(Set(answers.compactMap { $0["token"] }).count == answers.count - refused.count)
        if !refused.isEmpty { return }
      }
      Issue.record("a queue of one was never full")
    }

    /// What sixteen clients are answered who tokenize at once, each card for a customer of its own.
    private func crowd(_ round: Int) async throws -> [WireAnswer] {
      let stage = try Stage.current
      return try await withThrowingTaskGroup(of: [WireAnswer].self) { group in
        for client in 0..<16 {
          group.addTask {
            let wire = try await stage.connect()
            var answers: [WireAnswer] = []
            for index in 0..<20 {
              let request = WireRequest.tokenize(
                TestCard.visa, more: #","customer":"\#(round)-\#(client)-\#(index)""#)
              answers.append(try await wire.ask(request))
            }
            await wire.close()
            return answers
          }
        }
        return try await group.reduce(into: []) { $0 += $1 }
      }
    }
  }

  /// Deadlines, with a configuration in which they pass soon.
  @Suite(.stage(limits: ["header_seconds": 1, "body_seconds": 1, "idle_seconds": 3]))
  struct DeadlineTests {
    @Test func aHeaderThatComesTooSlowlyEndsTheConnectionWithoutAWord() async throws {
      let before = try Stage.current.counted("requests_timed_out")
      let wire = try await Stage.current.connect()
      try await wire.send("POST /v1/tokens HTTP/1.1\r\nHost: localhost\r\n")
      let dripping = Task {
        while !wire.isClosed {
          try await wire.send("x")
          try await pause(milliseconds: 100)
        }
      }
      #expect(try await wire.untilClosed() == "")
      dripping.cancel()
      #expect(try Stage.current.counted("requests_timed_out") == before + 1)
    }

    @Test func aBodyThatComesTooSlowlyEndsTheConnectionWithoutAWord() async throws {
      let before = try Stage.current.counted("requests_timed_out")
      let wire = try await Stage.current.connect()
      try await wire.send(String(WireRequest.tokenize(TestCard.visa).text.dropLast(3)))
      #expect(try await wire.untilClosed() == "")
      #expect(try Stage.current.counted("requests_timed_out") == before + 1)
    }

    @Test func anIdleConnectionEnds() async throws {
      let before = try Stage.current.counted("idle_timed_out")
      // A machine that is slow for so long closes one before its request has come.
      while true {
        let wire = try await Stage.current.connect()
        guard let answer = try? await wire.ask(.tokenize(TestCard.visa)) else { continue }
        #expect([200, 201].contains(answer.status))
        #expect(try await wire.untilClosed() == "")
        break
      }
      #expect(try Stage.current.counted("idle_timed_out") > before)
    }
  }

  /// The deadline of a handshake, which no client keeps.
  @Suite(.stage(limits: ["handshake_seconds": 2])) struct HandshakeDeadlineTests {
    @Test func aClientThatSaysNothingInsteadOfAHandshakeIsClosed() async throws {
      let before = try Stage.current.counted("handshakes_timed_out")
      let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        .connect(host: "127.0.0.1", port: try Stage.current.running.vault.port).get()
      try await channel.closeFuture.get()
      #expect(try Stage.current.counted("handshakes_timed_out") == before + 1)
    }
  }
}

extension Stage {
  /// How often something has happened to connections.
  fileprivate func counted(_ event: String) throws -> Int {
    try metric("cadenas_connection_events_total{event=\"\(event)\"} ")
  }

  fileprivate func metric(_ name: String) throws -> Int {
    let lines = try cadenas("metrics").split(separator: "\n")
    let line = try #require(lines.first { $0.hasPrefix(name) }, "no metric \(name)")
    return try #require(Int(line.dropFirst(name.count)))
  }
}
