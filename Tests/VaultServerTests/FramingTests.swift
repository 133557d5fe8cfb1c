import AccessPolicy
import NIOCore
import TestNetwork
import Testing
import Tokenization
import VaultCore

@testable import VaultServer

@Suite("Framing over TLS", .timeLimit(.minutes(30)))
struct FramingTests {
  @Test(arguments: [
    "POST /v1/tokens HTTP/1.0\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}",
    "POST /v1/tokens HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}",
    "POST /v1/tokens HTTP/1.1\r\nHost: a\r\nHost: b\r\nContent-Length: 2\r\n\r\n{}",
    "POST https://other/v1/tokens HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}",
    "POST /v1/tokens HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    "POST /v1/tokens HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n",
    "POST /v1/tokens HTTP/1.1\nHost: a\n\n",
    "\u{16}\u{3}\u{1}",
  ])
  func `malformed HTTP is answered once, and the connection is closed`(text: String) async throws {
    try await withServer { server in
      let client = try await server.connect()
      // What follows must never be taken for a request.
      let response = try await client.exchange(text + tokenizeRequest())
      #expect(response.status == 400)
      #expect(response.problem == "malformed-request")
      #expect(response.fields["connection"] == "close")
      #expect(response.fields["x-request-id"] != nil)
      await client.closed()
      #expect(client.rest == "")
      #expect(server.service.calls == [])
    }
  }

  @Test func `a body without a length is 411`() async throws {
    try await withServer { server in
      let client = try await server.connect()
      let response = try await client.exchange(
        "POST /v1/tokens HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\r\n")
      #expect(response.status == 411)
      await client.closed()
    }
  }

  @Test func `a body above the limit is 413 before it has been sent`() async throws {
    try await withServer { server in
      let client = try await server.connect()
      let response = try await client.exchange(
        "POST /v1/tokens HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
          + "Content-Length: 4097\r\n\r\n")
      #expect(response.status == 413)
      #expect(response.problem == "body-too-large")
      await client.closed()
    }
  }

  @Test func `a body of the limit is read`() async throws {
    try await withServer { server in
      let client = try await server.connect()
      let card = #"{"number":"4970105181818183","exp_month":12,"exp_year":2028}"#
      let padded = card + String(repeating: " ", count: 4096 - card.utf8.count)
      #expect(try await client.exchange(request("POST /v1/tokens", padded)).status == 201)
    }
  }

  @Test func `a header above the limit is 431`() async throws {
    try await withServer { server in
      let client = try await server.connect()
      let long = "X: " + String(repeating: "x", count: 8192) + "\r\n"
      let response = try await client.exchange(tokenizeRequest(fields: long))
      #expect(response.status == 431)
      #expect(response.problem == "header-too-large")
      await client.closed()
      #expect(server.service.calls == [])
    }
  }

  @Test func `a delete with a body is malformed`() async throws {
    try await withServer { server in
      let client = try await server.connect()
      let response = try await client.exchange(request("DELETE /v1/tokens/\(testToken)", "{}"))
      #expect(response.status == 400)
      await client.closed()
    }
  }

  @Test func `requests that are sent at once are answered in order, one at a time`() async throws {
    try await withServer { server in
      let client = try await server.connect()
      server.service.hold()
      try await client.send(
        tokenizeRequest() + tokenizeRequest("4111111111111111")
          + "DELETE /v1/tokens/\(testToken) HTTP/1.1\r\nHost: localhost\r\n\r\n"
          + tokenizeRequest("4242424242424242"))
      await server.service.called(times: 1)
      #expect(server.service.calls.count == 1)
      server.service.release()
      var answers: [String] = []
      for _ in 0..<4 {
        let response = try await client.answer()
        answers.append("\(response.status) \(response.body)")
      }
      #expect(
        answers == [
          #"201 {"last4":"8183"}"#, #"201 {"last4":"1111"}"#, "204 ", #"201 {"last4":"4242"}"#,
        ])
    }
  }

  @Test func `many requests at once are all answered`() async throws {
    try await withServer { server in
      let client = try await server.connect()
      let count = 500
      try await client.send(String(repeating: tokenizeRequest(), count: count))
      for _ in 0..<count {
        #expect(try await client.answer().status == 201)
      }
      #expect(server.service.calls.count == count)
    }
  }

  @Test func `a request may come byte by byte`() async throws {
    try await withServer { server in
      let client = try await server.connect()
      try await client.sendByteByByte(tokenizeRequest() + tokenizeRequest("4111111111111111"))
      #expect(try await client.answer().body == #"{"last4":"8183"}"#)
      #expect(try await client.answer().body == #"{"last4":"1111"}"#)
    }
  }

  @Test func `a client that waits for 100 Continue gets it, and no more than once`() async throws {
    try await withServer { server in
      let client = try await server.connect()
      let whole = tokenizeRequest(fields: "Expect: 100-continue\r\n")
      let split = try #require(whole.firstRange(of: "\r\n\r\n")).upperBound
      try await client.send(String(whole[..<split]))
      #expect(try await client.answer().status == 100)
      let body = String(whole[split...])
      try await client.send(String(body.prefix(10)))
      try await client.send(String(body.dropFirst(10)))
      #expect(try await client.answer().status == 201)
      // With the body at hand there is nothing to wait for.
      #expect(try await client.exchange(whole).status == 201)
    }
  }

  @Test func `a client whose request is refused does not get 100 Continue`() async throws {
    try await withServer { server in
      let client = try await server.connect("nobody")
      let whole = tokenizeRequest(fields: "Expect: 100-continue\r\n")
      let split = try #require(whole.firstRange(of: "\r\n\r\n")).upperBound
      let response = try await client.exchange(String(whole[..<split]))
      #expect(response.status == 403)
      #expect(response.fields["connection"] == "close")
      await client.closed()
    }
  }

  @Test func `an empty line before a request is skipped, in one piece or two`() async throws {
    try await withServer { server in
      let client = try await server.connect()
      #expect(try await client.exchange("\r\n" + tokenizeRequest() + "\r\n").status == 201)
      #expect(try await client.exchange("\r\n\r\n" + tokenizeRequest() + "\r").status == 201)
      #expect(try await client.exchange("\n" + tokenizeRequest()).status == 201)
      try await client.sendByteByByte("\r\n\r\n" + tokenizeRequest())
      #expect(try await client.answer().status == 201)
      #expect(try await client.exchange("\n" + tokenizeRequest()).status == 400)
      await client.closed()
    }
  }

  @Test(arguments: ["gzip", "identity, br"])
  func `a body in a content coding is 415, and says which is taken`(coding: String) async throws {
    try await withServer { server in
      let client = try await server.connect()
      let field = "Content-Encoding: \(coding)\r\n"
      let refused = try await client.exchange(tokenizeRequest(fields: field))
      #expect(refused.status == 415 && refused.problem == "unsupported-media-type")
      #expect(refused.fields["accept-encoding"] == "identity")
      #expect(server.service.calls == [.refuse(.unsupportedMediaType, .tokenize, token: nil)])
      let type = try await client.exchange(request("POST /v1/tokens", "{}", type: "text/plain"))
      #expect(type.status == 415 && type.fields["accept-encoding"] == nil)
      let plain = tokenizeRequest(fields: "Content-Encoding: identity\r\n")
      #expect(try await client.exchange(plain).status == 201)
    }
  }

  @Test func `a client may ask for the connection to be closed`() async throws {
    try await withServer { server in
      let client = try await server.connect()
      let response = try await client.exchange(
        tokenizeRequest(fields: "Connection: close\r\n") + tokenizeRequest())
      #expect(response.status == 201)
      #expect(response.fields["connection"] == "close")
      await client.closed()
      #expect(client.rest == "")
      #expect(server.service.calls.count == 1)
    }
  }

  @Test func `a refusal leaves the connection usable`() async throws {
    try await withServer { server in
      let client = try await server.connect("nobody")
      for _ in 0..<3 {
        let response = try await client.exchange(tokenizeRequest())
        #expect(response.status == 403)
        #expect(response.problem == "unknown-client")
      }
      #expect(server.server.counters.count(.connectionsAccepted) == 1)
    }
  }

  @Test func `a reply for a client that has gone is thrown away`() async throws {
    try await withServer { server in
      let client = try await server.connect()
      server.service.hold()
      try await client.send(tokenizeRequest())
      await server.service.called(times: 1)
      await client.close()
      server.service.release()
      let other = try await server.connect()
      #expect(try await other.exchange(tokenizeRequest()).status == 201)
    }
  }
}
