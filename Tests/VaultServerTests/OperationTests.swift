import AccessPolicy
import TestNetwork
import Testing
import Tokenization
import VaultCore

@testable import VaultServer

@Suite("Operations over TLS", .timeLimit(.minutes(30)))
struct OperationTests {
  private let detokenize = "POST /v1/tokens/\(testToken)/detokenize"

  @Test func `a card goes in and an answer comes out`() async throws {
    try await withServer { server in
      let client = try await server.connect()
      let response = try await client.exchange(tokenizeRequest(fields: "Idempotency-Key: k1\r\n"))
      #expect(response.status == 201)
      #expect(response.body == #"{"last4":"8183"}"#)
      #expect(response.fields["content-type"] == "application/json")
      #expect(response.fields["cache-control"] == "no-store")
      #expect(response.fields["connection"] == "keep-alive")
      #expect(server.service.calls == [.tokenize(last4: "8183", customer: nil, key: "k1")])
      #expect(response.fields["x-request-id"] == server.service.requestIdentifiers.first)
    }
  }

  @Test func `each operation reaches the vault`() async throws {
    try await withServer { server in
      let shop = try await server.connect()
      let acquirer = try await server.connect("acquirer")
      let push = try await shop.exchange(
        request(
          detokenize, #"{"acquirer":"credit-du-nord"}"#, fields: "Idempotency-Key: k\r\n"))
      #expect(push.status == 200)
      let deleted = try await shop.exchange(
        "DELETE /v1/tokens/\(testToken) HTTP/1.1\r\nHost: localhost\r\n\r\n")
      #expect(deleted.status == 204)
      #expect(deleted.fields["content-length"] == nil)
      #expect(deleted.fields["cache-control"] == nil)
      #expect(deleted.fields["x-request-id"] != nil)
      let pulled = try await acquirer.exchange(request(detokenize, "{}"))
      #expect(pulled.status == 200)
      #expect(
        pulled.body == """
          {"number":"4970105181818183","exp_month":12,"exp_year":2028,"preferred_brand":"cb"}
          """)
      #expect(
        server.service.calls == [
          .push(token: testToken, acquirer: "credit-du-nord", key: "k"),
          .delete(token: testToken), .pull(token: testToken),
        ])
    }
  }

  @Test func `a token that is tokenized again reaches the vault as that`() async throws {
    try await withServer { server in
      let shop = try await server.connect()
      let answer = try await shop.exchange(
        request(
          "POST /v1/tokens", #"{"token":"\#(testToken)","exp_month":12,"exp_year":2028}"#,
          fields: "Idempotency-Key: k\r\n"))
      #expect(answer.status == 200 && answer.body == #"{"token":"renewed"}"#)
      #expect(server.service.calls == [.renew(token: testToken, key: "k")])
    }
  }

  @Test func `every answer says when it was made, and until when its connection stays`()
    async throws
  {
    try await withServer { server in
      let shop = try await server.connect()
      // Made from a tick's time, which a busy machine may keep waiting.
      let start = server.clock.unixSeconds - 60
      var dates: [String] = []
      repeat {
        let answer = try await shop.exchange(tokenizeRequest())
        dates.append(try #require(answer.fields["date"]))
        #expect(answer.fields["keep-alive"] == "timeout=3600")
      } while dates.last == dates.first
      let times = (start...server.clock.unixSeconds).map { HTTPDate.string(unixSeconds: $0) }
      #expect(dates.allSatisfy(times.contains))
      let deleted = try await shop.exchange(
        "DELETE /v1/tokens/\(testToken) HTTP/1.1\r\nHost: localhost\r\n\r\n")
      #expect(deleted.fields["date"] != nil)
      let pulled = try await server.connect("acquirer").exchange(request(detokenize, "{}"))
      #expect(pulled.fields["date"] != nil && pulled.fields["keep-alive"] == "timeout=3600")
      let refused = try await shop.exchange("nonsense\r\n\r\n")
      #expect(refused.fields["date"] != nil && refused.fields["keep-alive"] == nil)
    }
  }

  @Test(arguments: [
    (0, "Thu, 01 Jan 1970 00:00:00 GMT"), (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
    (1_709_208_000, "Thu, 29 Feb 2024 12:00:00 GMT"), (-1, "Thu, 01 Jan 1970 00:00:00 GMT"),
    (253_402_300_799, "Fri, 31 Dec 9999 23:59:59 GMT"),
    (Int64.max, "Fri, 31 Dec 9999 23:59:59 GMT"),
  ])
  func `a time is written as HTTP writes it`(time: Int64, text: String) {
    #expect(HTTPDate.string(unixSeconds: time) == text)
  }

  @Test func `a token that is none is told by the vault`() async throws {
    try await withServer { server in
      let shop = try await server.connect()
      let response = try await shop.exchange(
        "DELETE /v1/tokens/nothing HTTP/1.1\r\nHost: localhost\r\n\r\n")
      #expect(response.status == 404)
      #expect(response.problem == "token-not-found")
      let acquirer = try await server.connect("acquirer")
      let pulled = try await acquirer.exchange(
        request("POST /v1/tokens/nothing/detokenize", "{}"))
      #expect(pulled.problem == "token-not-found")
      #expect(server.service.calls == [.delete(token: nil), .pull(token: nil)])
    }
  }

  @Test func `what is refused is audited with operation and token`() async throws {
    try await withServer { server in
      let shop = try await server.connect()
      #expect(
        try await shop.exchange(request(detokenize, "{}")).problem == "idempotency-key-required")
      #expect(
        try await shop.exchange(request("POST /v1/tokens", "{}", type: "text/plain")).problem
          == "unsupported-media-type")
      #expect(
        try await shop.exchange(request("POST /v1/tokens", "{]")).problem == "malformed-request")
      #expect(
        try await shop.exchange(request("POST /v1/tokens", "{}")).problem == "missing-member")
      let acquirer = try await server.connect("acquirer")
      #expect(
        try await acquirer.exchange(tokenizeRequest()).problem == "operation-not-permitted")
      #expect(
        server.service.calls == [
          .refuse(.idempotencyKeyRequired, .detokenize, token: testToken),
          .refuse(.unsupportedMediaType, .tokenize, token: nil),
          .refuse(.malformedRequest, .tokenize, token: nil),
          .refuse(.missingMember, .tokenize, token: nil),
          .refuse(.operationNotPermitted, .tokenize, token: nil),
        ])
    }
  }

  @Test func `a quota that is used up says when to come back`() async throws {
    let policy = makePolicy(shop: makeShop(tokenizePerMinute: 2))
    try await withServer(policy: policy) { server in
      let shop = try await server.connect()
      #expect(try await shop.exchange(tokenizeRequest()).status == 201)
      #expect(try await shop.exchange(tokenizeRequest()).status == 201)
      let response = try await shop.exchange(tokenizeRequest())
      #expect(response.status == 429)
      #expect(response.problem == "quota-exceeded")
      let seconds = try #require(response.fields["retry-after"].flatMap { Int($0) })
      #expect((1...30).contains(seconds))
      #expect(server.service.calls.last == .refuse(.quotaExceeded, .tokenize, token: nil))
    }
  }

  @Test func `a sealed vault says so, and when to come back`() async throws {
    try await withServer { server in
      server.service.isSealed = true
      let shop = try await server.connect()
      let response = try await shop.exchange(tokenizeRequest())
      #expect(response.status == 503)
      #expect(response.problem == "sealed")
      #expect(response.fields["retry-after"] == "1")
      // What a client that is not known would learn does not depend on it.
      let nobody = try await server.connect("nobody")
      #expect(try await nobody.exchange(tokenizeRequest()).problem == "unknown-client")
      #expect(server.service.calls == [])
    }
  }

  @Test func `unknown resources and methods are told apart`() async throws {
    try await withServer { server in
      let shop = try await server.connect()
      #expect(try await shop.exchange(request("POST /v1/cards")).problem == "no-such-resource")
      let get = try await shop.exchange("GET /v1/tokens HTTP/1.1\r\nHost: localhost\r\n\r\n")
      #expect(get.status == 405)
      #expect(get.problem == "method-not-allowed")
      #expect(get.fields["allow"] == "POST")
      let post = try await shop.exchange(request("POST /v1/tokens/\(testToken)", "{}"))
      #expect(post.fields["allow"] == "DELETE")
      let options = try await shop.exchange(request("OPTIONS /v1/tokens/x/detokenize", "{}"))
      #expect(options.fields["allow"] == "POST")
      try await shop.send("HEAD /v1/tokens HTTP/1.1\r\nHost: localhost\r\n\r\n")
      let head = try await shop.answer(hasBody: false)
      #expect(head.status == 405)
      // Had a body followed, this answer would not begin where it does.
      #expect(try await shop.exchange(tokenizeRequest()).status == 201)
    }
  }

  @Test func `answers are counted and refusals are logged, without anything of a body`()
    async throws
  {
    try await withServer { server in
      let shop = try await server.connect()
      _ = try await shop.exchange(tokenizeRequest())
      _ = try await shop.exchange(tokenizeRequest("4970105181818184"))
      let counts = server.server.counters.answers.map {
        "\($0.operation.word) \($0.status) \($0.count)"
      }
      #expect(counts == ["tokenize 201 1", "tokenize 422 1"])
      let line = try #require(server.log.all.first { $0.contains("\"request\"") })
      #expect(line.contains(#""operation":"tokenize","#))
      #expect(line.contains(#""status":"422""#))
      #expect(line.contains(#""actor":"\#(shopURI)""#))
      #expect(!line.contains("4970"))
    }
  }
}
