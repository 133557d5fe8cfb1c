import TestNetwork
import Testing

extension EndToEnd {
  /// HTTP as bytes: what must be refused so that nobody reads a message otherwise than the vault.
  @Suite(.stage) struct FramingTests {
    private static let body = #"{"number":"4970105181818183","exp_month":12,"exp_year":2035}"#
    private static let length = body.utf8.count

    /// A tokenize request with these lines between the request line and the empty line.
    private static func post(
      _ fields: [String], line: String = "POST /v1/tokens HTTP/1.1", body: String = body
    ) -> String {
      ([line] + fields + ["", body]).joined(separator: "\r\n")
    }

    private static let host = "Host: localhost"
    private static let json = "Content-Type: application/json"
    private static let size = "Content-Length: \(length)"
    private static let chunked = "Transfer-Encoding: chunked"
    private static let chunks = "\(String(length, radix: 16))\r\n\(body)\r\n0\r\n\r\n"

    /// What is refused with 400 and ends the connection.
    static let malformed: [RawText] = [
      post([json, size]),
      post([host, host, json, size]),
      post([host, "Host: elsewhere", json, size]),
      post(["Host: ", json, size]),
      post(["Host: user@localhost", json, size]),
      post([host, json, size, size]),
      post([host, json, size, "Content-Length: 0"]),
      post([host, json, "Content-Length: \(length), \(length)"]),
      post([host, json, "Content-Length: +\(length)"]),
      post([host, json, "Content-Length: 0x10"]),
      post([host, json, "Content-Length: -1"]),
      post([host, json, "Content-Length: \(length) 0"]),
      post([host, json, "Content-Length : \(length)"]),
      post([host, json, " Content-Length: \(length)"]),
      post([host, "X-Folded: a", " b", json, size]),
      post([host, json, size, "X-Nothing"]),
      post([host, json, size, ": x"]),
      post([host, json, size, "X-Nul: a\u{0}b"]),
      post([host, json, size, "X-Line: a\nTransfer-Encoding: chunked"]),
      post([host, json, size, "X-Return: a\rb"]),
      post([host, json, json, size]),
      post([host, json, size, "Idempotency-Key: a", "Idempotency-Key: b"]),
      post([host, json, size, "Expect: something"]),
      post([host, json, size], line: "POST /v1/tokens HTTP/1.0"),
      post([host, json, size], line: "POST /v1/tokens HTTP/1.2"),
      post([host, json, size], line: "POST /v1/tokens HTTP/2.0"),
      post([host, json, size], line: "POST /v1/tokens"),
      post([host, json, size], line: "POST  /v1/tokens HTTP/1.1"),
      post([host, json, size], line: "POST /v1/tok ens HTTP/1.1"),
      post([host, json, size], line: "POST https://elsewhere/v1/tokens HTTP/1.1"),
      post([host, json, size], line: "POST http://localhost/v1/tokens HTTP/1.1"),
      post([host, json, size], line: "PO(ST /v1/tokens HTTP/1.1"),
      post([host, json, size], line: "POST v1/tokens HTTP/1.1"),
      post([host, json, size], line: "CONNECT localhost:443 HTTP/1.1"),
      " " + post([host, json, size]),
      post([host, json, size, "Transfer-Encoding: chunked"]),
      post([host, json, "Transfer-Encoding: chunked", size]),
      post([host, json, "Transfer-Encoding: identity"]),
      post([host, json, "Transfer-Encoding: xchunked"]),
      post([host, json, "Transfer-Encoding: gzip, chunked"]),
      post([host, json, "Transfer-Encoding: chunked, chunked"]),
      post([host, json, "Transfer-Encoding: chunked", "Transfer-Encoding: chunked"]),
      post([host, json, "Transfer-Encoding: chunked", "Transfer-Encoding: identity"]),
      post([host, json, "Transfer-Encoding : chunked"], body: chunks),
      post([host, json, "Transfer-Encoding:", " chunked"], body: chunks),
      post([host, json, chunked], body: chunks.replacing("\r\n", with: "\n")),
      post([host, json, chunked], body: "0\(chunks.replacing("0\r\n\r\n", with: "+0\r\n\r\n"))"),
      post([host, json, chunked], body: "ffffffffffffffff\(chunks)"),
      post([host, json, chunked], body: chunks.replacing("\r\n0\r\n", with: "\r\n0\r\n0\r\n")),
      post([host, json, chunked], body: chunks.replacing("0\r\n\r\n", with: "0\r\nX: a\r\n\r\n")),
      post([host, json, size]).replacing("\r\n", with: "\n"),
      "\u{16}\u{3}\u{1}",
    ].map(RawText.init)

    @Test(arguments: malformed)
    func aMessageThatCanBeReadInTwoWaysIsRefusedAndEndsTheConnection(request: RawText) async throws
    {
      let wire = try await Stage.current.connect()
      let smuggled = WireRequest.delete("tok_01kax3zv5ye8bvkp2mszn9fqxw").text
      try await wire.send(request.text + smuggled)
      expect(try await wire.answer(), 400, "malformed-request")
      #expect(try await wire.untilClosed() == "", "one answer, and no second request")
    }

    @Test(arguments: [chunked, "transfer-encoding:\tChunked "])
    func aBodyMayComeInChunks(coding: String) async throws {
      let wire = try await Stage.current.connect()
      let size = String(Self.length - 1, radix: 16)
      let two = "1;a=b\r\n{\r\n\(size)\r\n\(Self.body.dropFirst())\r\n0\r\n\r\n"
      for body in [Self.chunks, two] {
        let request = Self.post([Self.host, Self.json, coding], body: body)
        try await wire.send(request + request)
        for _ in 0..<2 { #expect([200, 201].contains(try await wire.answer().status)) }
        for byte in request.utf8 { try await wire.send([byte]) }
        #expect([200, 201].contains(try await wire.answer().status))
      }
    }

    @Test func aBodyInChunksHasTheLimitOfAnyOther() async throws {
      let wire = try await Stage.current.connect()
      let padded = Self.body + String(repeating: " ", count: 4_096 - Self.length)
      let head = Self.post([Self.host, Self.json, Self.chunked], body: "1000\r\n\(padded)\r\n")
      try await wire.send(head + "0\r\n\r\n")
      #expect([200, 201].contains(try await wire.answer().status))
      try await wire.send(head + "1\r\n")
      expect(try await wire.answer(), 413, "body-too-large")
      #expect(try await wire.untilClosed() == "")
    }

    @Test func emptyLinesBeforeARequestAreSkipped() async throws {
      let wire = try await Stage.current.connect()
      let request = WireRequest.tokenize(TestCard.visa).text
      try await wire.send("\r\n" + request + "\r\n" + request + "\r\n\r\n")
      for _ in 0..<2 { #expect([200, 201].contains(try await wire.answer().status)) }
    }

    @Test func aBodyInAContentCodingIsUnsupported() async throws {
      let wire = try await Stage.current.connect()
      for coding in ["gzip", "br", "identity, gzip"] {
        try await wire.send(
          Self.post([Self.host, Self.json, Self.size, "Content-Encoding: \(coding)"]))
        let answer = try await wire.answer()
        expect(answer, 415, "unsupported-media-type")
        #expect(answer.fields["accept-encoding"] == "identity")
      }
      try await wire.send(
        Self.post([Self.host, Self.json, Self.size, "Content-Encoding: identity"]))
      #expect([200, 201].contains(try await wire.answer().status))
    }

    @Test func everyAnswerHasADateAndSaysHowLongTheConnectionStays() async throws {
      let wire = try await Stage.current.connect()
      let token = try await Stage.current.token(of: TestCard.visa)
      for request in [
        WireRequest.tokenize(TestCard.visa), .tokenize(body: "{"), .delete(token),
        WireRequest(method: "GET", path: "/"),
      ] {
        let answer = try await wire.ask(request)
        let date = try #require(answer.fields["date"])
        #expect(
          date.wholeMatch(of: #/[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT/#) != nil
        )
        // The idle time that the stage gives its vault.
        #expect(answer.fields["keep-alive"] == "timeout=3600")
      }
    }

    @Test func aBodyWithoutLengthIs411() async throws {
      let wire = try await Stage.current.connect()
      try await wire.send(Self.post([Self.host, Self.json]))
      expect(try await wire.answer(), 411, "length-required")
      #expect(try await wire.untilClosed() == "")
    }

    @Test func theAbsoluteFormOfTheSameHostIsTaken() async throws {
      let wire = try await Stage.current.connect()
      try await wire.send(
        Self.post(
          [Self.host, Self.json, Self.size], line: "POST https://localhost/v1/tokens HTTP/1.1"))
      #expect([200, 201].contains(try await wire.answer().status))
    }

    @Test func requestsThatComeTogetherAreAnsweredInOrder() async throws {
      let wire = try await Stage.current.connect()
      let unknown = WireRequest(method: "GET", path: "/").text
      let tokenize = WireRequest.tokenize(TestCard.visa).text
      try await wire.send(tokenize + unknown + tokenize)
      let first = try await wire.answer()
      expect(try await wire.answer(), 404, "no-such-resource")
      let last = try await wire.answer()
      #expect(last.status == 200 && last["token"] == first["token"])
    }

    @Test func aRequestMayArriveByteByByte() async throws {
      let wire = try await Stage.current.connect()
      for byte in WireRequest.tokenize(TestCard.visa).text.utf8 { try await wire.send([byte]) }
      #expect([200, 201].contains(try await wire.answer().status))
    }

    @Test func aClientThatWaitsForContinueIsToldToGoOn() async throws {
      let wire = try await Stage.current.connect()
      let fields = [Self.host, Self.json, Self.size, "Expect: 100-continue"]
      try await wire.send(Self.post(fields, body: ""))
      #expect(try await wire.answer(hasBody: false).status == 100)
      try await wire.send(Self.body)
      #expect([200, 201].contains(try await wire.answer().status))

      try await wire.send(
        Self.post(
          [Self.host, "Content-Type: text/plain", Self.size, "Expect: 100-continue"], body: ""))
      expect(try await wire.answer(), 415, "unsupported-media-type")
    }

    @Test func aClientMayAskForTheEndOfTheConnection() async throws {
      let wire = try await Stage.current.connect()
      try await wire.send(Self.post([Self.host, Self.json, Self.size, "Connection: close"]))
      let answer = try await wire.answer()
      #expect([200, 201].contains(answer.status) && answer.fields["connection"] == "close")
      #expect(try await wire.untilClosed() == "")
    }

    @Test func pathsAndMethodsThatDoNotExistAreToldApart() async throws {
      let wire = try await Stage.current.connect()
      let token = "/v1/tokens/tok_01kax3zv5ye8bvkp2mszn9fqxw"
      for path in [
        "/", "*", "/v1", "/v1/", "/v1/tokens/", "/v1/tokens?x=1", "/V1/tokens", "/v1//tokens",
        "/v1/tokens/a/b", "\(token)/", "\(token)/detokenize/", "/v1/tokens//detokenize",
        "/v2/tokens",
      ] {
        let answer = try await wire.ask(WireRequest(method: "POST", path: path, body: "{}"))
        expect(answer, 404, "no-such-resource")
      }
      for (path, allowed) in [
        ("/v1/tokens", "POST"), (token, "DELETE"), ("\(token)/detokenize", "POST"),
      ] {
        for method in ["GET", "PUT", "OPTIONS", "PATCH", allowed == "POST" ? "DELETE" : "POST"] {
          let answer = try await wire.ask(WireRequest(method: method, path: path))
          expect(answer, 405, "method-not-allowed")
          #expect(answer.fields["allow"] == allowed)
        }
      }
      let head = try await wire.ask(WireRequest(method: "HEAD", path: "/v1/tokens"))
      #expect(head.status == 405 && head.body.isEmpty && head.fields["allow"] == "POST")
      #expect([200, 201].contains(try await wire.ask(.tokenize(TestCard.visa)).status))
    }

    @Test func aDeleteWithABodyIsMalformed() async throws {
      let wire = try await Stage.current.connect()
      var request = WireRequest.delete("tok_01kax3zv5ye8bvkp2mszn9fqxw")
      request.body = ""
      expect(try await wire.ask(request), 404, "token-not-found")
      request.body = "{}"
      expect(try await wire.ask(request), 400, "malformed-request")
    }
  }
}

/// Bytes of a request, which a report shows without its control characters.
struct RawText: Sendable, CustomTestStringConvertible {
  let text: String

  var testDescription: String {
    text.unicodeScalars.map { $0.escaped(asASCII: true) }.joined()
  }
}
