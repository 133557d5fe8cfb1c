import AccessPolicy
import NIOCore
import TestNetwork
import Testing
import VaultCore

@testable import VaultServer

@Suite("Requests in chunks over TLS", .timeLimit(.minutes(5)))
struct ChunkedRequestTests {
  private static let card = #"{"number":"4970105181818183","exp_month":12,"exp_year":2028}"#

  private func head(
    _ line: String = "POST /v1/tokens", _ fields: String = "", type: String = "application/json"
  ) -> String {
    "\(line) HTTP/1.1\r\nHost: localhost\r\nContent-Type: \(type)\r\n"
      + "Transfer-Encoding: chunked\r\n\(fields)\r\n"
  }

  /// A body in chunks of so many bytes.
  private func chunks(_ body: String = card, of length: Int = .max) -> String {
    var text = ""
    var rest = Substring(body)
    while !rest.isEmpty {
      let piece = rest.prefix(length)
      rest = rest.dropFirst(length)
      text += "\(String(piece.utf8.count, radix: 16))\r\n\(piece)\r\n"
    }
    return text + "0\r\n\r\n"
  }

  @Test func `a body in chunks is a body like any other, and the next request follows it`()
    async throws
  {
    try await withServer { server in
      let client = try await server.connect()
      for length in [Int.max, 1, 7] {
        try await client.send(head() + chunks(of: length) + tokenizeRequest("4111111111111111"))
        #expect(try await client.answer().body == #"{"last4":"8183"}"#)
        #expect(try await client.answer().body == #"{"last4":"1111"}"#)
      }
      try await client.sendByteByByte(head() + chunks(of: 10) + head() + chunks())
      #expect(try await client.answer().status == 201)
      #expect(try await client.answer().status == 201)
      let push = try await client.exchange(
        head("POST /v1/tokens/\(testToken)/detokenize", "Idempotency-Key: k\r\n")
          + chunks(#"{"acquirer":"credit-du-nord"}"#, of: 4))
      #expect(push.status == 200)
    }
  }

  @Test func `two requests in chunks that come at once are answered one at a time`() async throws {
    try await withServer { server in
      let client = try await server.connect()
      server.service.hold()
      try await client.send(head() + chunks(of: 3) + head() + chunks(of: 5))
      await server.service.called(times: 1)
      #expect(server.service.calls.count == 1)
      server.service.release()
      #expect(try await client.answer().status == 201)
      #expect(try await client.answer().status == 201)
      #expect(server.service.calls.count == 2)
    }
  }

  @Test func `a client that waits for 100 Continue gets it, and sends chunks`() async throws {
    try await withServer { server in
      let client = try await server.connect()
      try await client.send(head("POST /v1/tokens", "Expect: 100-continue\r\n"))
      #expect(try await client.answer(hasBody: false).status == 100)
      #expect(try await client.exchange(chunks(of: 9)).status == 201)
    }
  }

  @Test(arguments: [
    "5\n{}", "+2\r\n{}\r\n0\r\n\r\n", "2 \r\n{}\r\n0\r\n\r\n", "2\r\n{}0\r\n\r\n", "fffffffff\r\n",
    "2\r\n{}\r\n0\r\nContent-Length: 60\r\n\r\n", "\r\n",
  ])
  func `chunks that are none are malformed, and what follows is no request`(text: String)
    async throws
  {
    try await withServer { server in
      let client = try await server.connect()
      let answer = try await client.exchange(head() + text + tokenizeRequest())
      #expect(answer.status == 400 && answer.problem == "malformed-request")
      #expect(answer.fields["connection"] == "close")
      await client.closed()
      #expect(client.rest == "")
      #expect(server.service.calls == [])
    }
  }

  @Test func `a body in chunks has the limit of any other`() async throws {
    try await withServer { server in
      let client = try await server.connect()
      let longest = Self.card + String(repeating: " ", count: 4096 - Self.card.utf8.count)
      #expect(try await client.exchange(head() + chunks(longest, of: 1)).status == 201)
      try await client.send(head() + "1000\r\n\(longest)\r\n1\r\n" + tokenizeRequest())
      let answer = try await client.answer()
      #expect(answer.status == 413 && answer.problem == "body-too-large")
      await client.closed()
      #expect(client.rest == "")
      #expect(server.service.calls.last == .refuse(.bodyTooLarge, .tokenize, token: nil))
    }
  }

  @Test func `what is wrong with the head is told after the chunks, and the connection stays`()
    async throws
  {
    try await withServer { server in
      let client = try await server.connect("nobody")
      for _ in 0..<2 {
        let answer = try await client.exchange(head() + chunks(of: 6))
        #expect(answer.status == 403 && answer.problem == "unknown-client")
      }
      let shop = try await server.connect()
      let type = head("POST /v1/tokens", type: "text/plain")
      #expect(try await shop.exchange(type + chunks(of: 6)).status == 415)
      #expect(try await shop.exchange(tokenizeRequest()).status == 201)
      // HTTP itself comes first, and who asks before how much.
      let malformed = try await client.exchange(head() + "x\r\n")
      #expect(malformed.status == 400)
      await client.closed()
      let stranger = try await server.connect("nobody")
      let large = try await stranger.exchange(head() + "1001\r\n")
      #expect(large.status == 403 && large.fields["connection"] == "close")
      await stranger.closed()
    }
  }

  @Test func `chunks that do not end are cut off with their deadline`() async throws {
    var limits = ServerLimits.patient
    limits.body = .milliseconds(200)
    try await withServer(limits: limits) { server in
      let client = try await server.connect()
      try await client.send(head() + "5\r\n{")
      await client.closed()
      #expect(client.rest == "")
      #expect(server.server.counters.count(.requestsTimedOut) == 1)
    }
  }

  @Test func `a delete in chunks is malformed`() async throws {
    try await withServer { server in
      let client = try await server.connect()
      let answer = try await client.exchange(head("DELETE /v1/tokens/\(testToken)") + "0\r\n\r\n")
      #expect(answer.status == 400)
      await client.closed()
    }
  }
}
