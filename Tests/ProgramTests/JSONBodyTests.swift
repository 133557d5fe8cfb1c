import TestNetwork
import Testing

extension EndToEnd {
  /// Bodies: JSON as strict as the contract, media types, lengths.
  @Suite(.stage) struct JSONBodyTests {
    private static let number = #""number":"4970105181818183""#
    private static let expiry = #""exp_month":12,"exp_year":2035"#

    /// What is no request at all.
    static let malformed: [RawText] = [
      "", " ", "{", "}", "{}x", "null", "7", #""text""#, "[]", "[{}]", "{,}", "{\"a\"}", "nul",
      "{\(number),\(expiry)",
      "{\(number),\(expiry)}}",
      "{\(number),\(expiry)} {}",
      "{\(number),\(expiry),}",
      "{\(number) \(expiry)}",
      "{\(number),\(number),\(expiry)}",
      "{\(number),\(expiry),\"exp_month\":12}",
      #"{\#(number),\#(expiry),"exp\u005fmonth":12}"#,
      "{'number':'4970105181818183',\(expiry)}",
      "{number:\"4970105181818183\",\(expiry)}",
      "{\(number),\(expiry),\"customer\":\"a\u{1}b\"}",
      "{\(number),\(expiry),\"customer\":\"a\\x\"}",
      "{\(number),\(expiry),\"customer\":\"\\ud800\"}",
      "{\(number),\"exp_month\":012,\"exp_year\":2035}",
      "{\(number),\"exp_month\":+12,\"exp_year\":2035}",
      "{\(number),\"exp_month\":.5,\"exp_year\":2035}",
      "{\(number),\"exp_month\":1e,\"exp_year\":2035}",
      "{\(number),\"exp_month\":NaN,\"exp_year\":2035}",
      "{\(number),\(expiry),\"a\":{\"a\":{\"a\":{\"a\":{}}}}}",
      "{\(number),\(expiry),\"a\":[[[[1]]]]}",
      "\u{FEFF}{\(number),\(expiry)}",
      "/* */{\(number),\(expiry)}",
    ].map(RawText.init)

    @Test(arguments: malformed)
    func whatIsNotOneObjectOfStrictJSONIsMalformed(request: RawText) async throws {
      let body = request.text
      let stage = try Stage.current
      expect(try await stage.ask(.tokenize(body: body)), 400, "malformed-request")
      let token = "tok_01kax3zv5ye8bvkp2mszn9fqxw"
      expect(
        try await stage.ask(.push(token, body: body, key: "json")), 400, "malformed-request")
    }

    @Test func bytesThatAreNotUTF8AreMalformed() async throws {
      let wire = try await Stage.current.connect()
      let tails: [[UInt8]] = [
        [0xff], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xf5, 0x80, 0x80, 0x80],
      ]
      for tail in tails {
        let start = Array("{\(Self.number),\(Self.expiry),\"customer\":\"".utf8)
        let body = start + tail + Array("\"}".utf8)
        let head = """
          POST /v1/tokens HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
          Content-Length: \(body.count)\r\n\r\n
          """
        try await wire.send(Array(head.utf8) + body)
        expect(try await wire.answer(), 400, "malformed-request")
      }
    }

    @Test func spellingsThatMeanTheSameAreTaken() async throws {
      let wire = try await Stage.current.connect()
      for body in [
        " \t\r\n{ \(Self.number) ,\n\(Self.expiry) } ",
        #"{"n\u0075mber":"\u0034970105181818183",\#(Self.expiry)}"#,
        "{\(Self.number),\(Self.expiry),\"customer\":null,\"preferred_brand\":null}",
        "{\(Self.number),\(Self.expiry),\"cvc\":null,\"holder\":null}",
      ] {
        let answer = try await wire.ask(.tokenize(body: body))
        #expect([200, 201].contains(answer.status), "\(body): \(answer.body)")
      }
    }

    @Test(arguments: [
      ("application/json", true), ("application/json; charset=utf-8", true),
      ("Application/JSON;charset=UTF-8", true), ("application/json; charset=\"utf-8\"", true),
      ("application/json;", true), ("application/json; charset=utf-8;", true),
      ("application/json; charset=latin1", false), ("text/json", false),
      ("application/x-www-form-urlencoded", false), ("application/jsonx", false), ("", false),
    ])
    func aBodyIsJSONInUTF8(type: String, isTaken: Bool) async throws {
      var request = WireRequest.tokenize(body: "{\(Self.number),\(Self.expiry)}")
      request.headers = [("Content-Type", type)]
      let answer = try await Stage.current.ask(request)
      if isTaken {
        #expect([200, 201].contains(answer.status), "\(type): \(answer.body)")
      } else {
        expect(answer, 415, "unsupported-media-type")
      }
    }

    @Test func aBodyWithoutMediaTypeIsUnsupported() async throws {
      let wire = try await Stage.current.connect()
      try await wire.send("POST /v1/tokens HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
      expect(try await wire.answer(), 415, "unsupported-media-type")
    }

    @Test func aPullTakesAnEmptyObjectOnly() async throws {
      let stage = try Stage.current
      let token = try await stage.token(of: TestCard.visa)
      let wire = try await stage.connect("acquirer")
      expect(try await wire.ask(.push(token, body: "{}", key: "ignored")), 200)
      expect(try await wire.ask(.push(token, body: "{\"a\":1}", key: nil)), 422, "unknown-member")
      expect(
        try await wire.ask(.push(token, body: "{\"cvc\":\"123\"}", key: nil)), 422,
        "sensitive-authentication-data", pointer: "/cvc")
      expect(try await wire.ask(.push(token, body: "[]", key: nil)), 400, "malformed-request")
    }
  }
}
