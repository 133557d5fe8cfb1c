import Bytes
import Cards
import Testing

@testable import VaultServer

@Suite("The head of a request")
struct HeadParserTests {
  private func parse(_ text: String, limit: Int = 8192) -> HeadParser.Outcome {
    text.withSpan { HeadParser.parse($0, limit: limit) }
  }

  private func head(_ text: String) throws -> RequestHead {
    guard case .head(let head, let byteCount) = parse(text) else {
      Issue.record("refused: \(parse(text))")
      throw CardError.invalidNumber
    }
    #expect(byteCount == text.utf8.count)
    return head
  }

  @Test func `a tokenize request is understood`() throws {
    let head = try head(
      """
      POST /v1/tokens HTTP/1.1\r
      Host: vault.example:8443\r
      content-type: application/json; charset=UTF-8\r
      Content-Length:  62 \r
      Idempotency-Key: order-1042\r
      Expect: 100-Continue\r
      Connection: keep-alive, Close\r
      \r

      """)
    #expect(head.method == .post)
    #expect(head.route == .tokens)
    #expect(head.mediaType == .json)
    #expect(head.bodyLength == 62)
    #expect(head.idempotencyKey == .key(Array("order-1042".utf8)))
    #expect(head.expectsContinue)
    #expect(head.closes)
  }

  @Test func `fields that are absent are absent`() throws {
    let head = try head("DELETE /v1/tokens/\(testToken) HTTP/1.1\r\nHost: a\r\n\r\n")
    #expect(head == RequestHead(method: .delete, route: .token(Token(testToken))))
  }

  @Test(arguments: [
    ("/v1/tokens", Route.tokens),
    ("/v1/tokens/\(testToken)", .token(Token(testToken))),
    ("/v1/tokens/\(testToken)/detokenize", .detokenize(Token(testToken))),
    ("/v1/tokens/tok_x", .token(nil)),
    ("/v1/tokens/%74ok_01kax3zv5ye8bvkp2mszn9fqxw", .token(nil)),
    ("/v1/tokens/nothing/detokenize", .detokenize(nil)),
    ("/v1/tokens/", .unknown),
    ("/v1/tokens//detokenize", .unknown),
    ("/v1/tokens?x=1", .unknown),
    ("/v1/tokens/\(testToken)/detokenize/", .unknown),
    ("/v1/tokens/\(testToken)/other", .unknown),
    ("/v1/../v1/tokens", .unknown),
    ("/v1/tokensx", .unknown),
    ("/", .unknown),
    ("*", .unknown),
    ("https://a/v1/tokens", .tokens),
    ("HTTPS://A/v1/tokens", .tokens),
    ("https://a", .unknown),
  ])
  func `a target has one spelling`(target: String, route: Route) throws {
    #expect(try head("POST \(target) HTTP/1.1\r\nHost: a\r\n\r\n").route == route)
  }

  @Test(arguments: [
    "POST /v1/tokens HTTP/1.0\r\nHost: a\r\n\r\n",
    "POST /v1/tokens HTTP/2.0\r\nHost: a\r\n\r\n",
    "POST /v1/tokens HTTP/1.1 \r\nHost: a\r\n\r\n",
    "POST  /v1/tokens HTTP/1.1\r\nHost: a\r\n\r\n",
    "POST /v1/ tokens HTTP/1.1\r\nHost: a\r\n\r\n",
    "POST /v1/tokens\r\nHost: a\r\n\r\n",
    " POST /v1/tokens HTTP/1.1\r\nHost: a\r\n\r\n",
    "PO ST /v1/tokens HTTP/1.1\r\nHost: a\r\n\r\n",
    "P(ST /v1/tokens HTTP/1.1\r\nHost: a\r\n\r\n",
    "POST v1/tokens HTTP/1.1\r\nHost: a\r\n\r\n",
    "POST /v1/t\u{e9} HTTP/1.1\r\nHost: a\r\n\r\n",
    "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n",
    "\r\nPOST /v1/tokens HTTP/1.1\r\nHost: a\r\n\r\n",
    "POST /v1/tokens HTTP/1.1\r\n\r\n",
    "POST /v1/tokens HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
    "POST /v1/tokens HTTP/1.1\r\nHost:\r\n\r\n",
    "POST /v1/tokens HTTP/1.1\r\nHost: a, b\r\n\r\n",
    "POST /v1/tokens HTTP/1.1\r\nHost: u@a\r\n\r\n",
    "POST https://b/v1/tokens HTTP/1.1\r\nHost: a\r\n\r\n",
    "POST http://a/v1/tokens HTTP/1.1\r\nHost: a\r\n\r\n",
    "POST /v1/tokens HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n",
    "POST /v1/tokens HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\n",
    "POST /v1/tokens HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\n",
    "POST /v1/tokens HTTP/1.1\r\nHost: a\r\nContent-Length: 0x5\r\n\r\n",
    "POST /v1/tokens HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
    "POST /v1/tokens HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n",
    "POST /v1/tokens HTTP/1.1\r\nHost: a\r\nContent-Length : 5\r\n\r\n",
    "POST /v1/tokens HTTP/1.1\r\nHost: a\r\nX: 1\r\n folded\r\n\r\n",
    "POST /v1/tokens HTTP/1.1\r\nHost: a\r\n: 1\r\n\r\n",
    "POST /v1/tokens HTTP/1.1\r\nHost: a\r\nnothing\r\n\r\n",
    "POST /v1/tokens HTTP/1.1\nHost: a\n\n",
    "POST /v1/tokens HTTP/1.1\r\nHost: a\rX: b\r\n\r\n",
    "POST /v1/tokens HTTP/1.1\r\nHost: a\r\nX: a\nY: b\r\n\r\n",
    "POST /v1/tokens HTTP/1.1\r\nHost: a\r\nX: a\u{0}b\r\n\r\n",
    "POST /v1/tokens HTTP/1.1\r\nHost: a\r\nX: a\u{1b}b\r\n\r\n",
    "POST /v1/tokens HTTP/1.1\r\nHost: a\r\nX: a\u{7f}b\r\n\r\n",
    "POST /v1/tokens HTTP/1.1\r\nHost: a\r\nExpect: 200-ok\r\n\r\n",
    "POST /v1/tokens HTTP/1.1\r\nHost: a\r\nContent-Type: a/b\r\nContent-Type: a/b\r\n\r\n",
    "POST /v1/tokens HTTP/1.1\r\nHost: a\r\nIdempotency-Key: a\r\nIdempotency-Key: a\r\n\r\n",
  ])
  func `what two readers could understand differently is malformed`(text: String) {
    #expect(parse(text) == .refused(.malformed))
  }

  /// Eight bytes are looked at in one go: at each place among them, beside bytes that look alike.
  @Test func `a control character is found wherever it stands`() {
    let controls = Array(UInt8(0)..<0x20) + [0x7F]
    for count in 0..<20 {
      for filler: UInt8 in [0x20, 0x7E, 0x80, 0xA0, 0xFF] {
        let plain = [UInt8](repeating: filler, count: count)
        #expect(plain.rawSpan.firstControl(in: 0..<count) == count)
        for place in 0..<count {
          for control in controls {
            var bytes = plain
            bytes[place] = control
            bytes[count - 1] = place < count - 1 ? 0x7F : control
            for start in 0...place where bytes.rawSpan.firstControl(in: start..<count) != place {
              Issue.record("\(bytes) from \(start)")
            }
          }
        }
      }
    }
  }

  @Test(arguments: ["chunked", "Chunked", " chunked\t"])
  func `a body may come in chunks`(coding: String) throws {
    let head = try head(
      "POST /v1/tokens HTTP/1.1\r\nHost: a\r\ntransfer-encoding:\(coding)\r\n\r\n")
    #expect(head.isChunked && head.bodyLength == nil && head.hasBody)
  }

  @Test(arguments: [
    "Transfer-Encoding: identity", "Transfer-Encoding: gzip, chunked", "Transfer-Encoding:",
    "Transfer-Encoding: chunked, chunked", "Transfer-Encoding: chunked,",
    "Transfer-Encoding: ,chunked", "Transfer-Encoding: chunked;q=1", "Transfer-Encoding: xchunked",
    "Transfer-Encoding: \"chunked\"", "Transfer-Encoding : chunked",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
    "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked",
    "Transfer-Encoding: chunked\r\nContent-Length: 5",
    "Content-Length: 5\r\nTransfer-Encoding: chunked",
    "Content-Length: 0\r\nTransfer-Encoding: chunked",
    "Transfer-Encoding:\r\n chunked", "Transfer-Encoding: \u{b}chunked",
    "Transfer-Encoding: chunked\u{a0}",
  ])
  func `where a body ends is said once and in one way`(fields: String) {
    let text = "POST /v1/tokens HTTP/1.1\r\nHost: a\r\n\(fields)\r\n\r\n"
    #expect(parse(text) == .refused(.malformed))
  }

  @Test(arguments: [
    ("identity", false), ("", false), ("Identity, identity", false), (",", false),
    ("gzip", true), ("identity, gzip", true), ("deflate", true), ("br", true), ("x", true),
  ])
  func `a content coding is noticed`(value: String, isCoded: Bool) throws {
    let text = "POST /v1/tokens HTTP/1.1\r\nHost: a\r\nContent-Encoding: \(value)\r\n\r\n"
    #expect(try head(text).isCoded == isCoded)
  }

  @Test(arguments: [
    ("", 0), ("\r", 0), ("\n", 0), ("\r\n", 2), ("\r\n\r\nPOST", 4), ("\r\n\r", 2), ("\n\r\n", 0),
    ("P\r\n", 0),
  ])
  func `empty lines before a request are counted`(text: String, count: Int) {
    #expect(text.withSpan { HeadParser.emptyLines($0) } == count)
  }

  @Test(arguments: [
    ("application/json", RequestHead.MediaType.json),
    ("Application/JSON;charset=utf-8", .json),
    ("application/json ; charset=\"UTF-8\"", .json),
    ("application/json;", .json),
    ("application/json ; ", .json),
    ("application/json; charset=utf-8;", .json),
    ("application/json;; charset=utf-8 ;\t;", .json),
    ("application/json; charset=latin1", .other),
    ("application/json; charset=utf-8; charset=latin1", .other),
    ("application/json; charset", .other),
    (";", .other),
    ("application/json, text/plain", .other),
    ("application/json; charset=utf-8; a=b", .other),
    ("application/problem+json", .other),
    ("text/plain", .other),
    ("", .other),
  ])
  func `JSON in UTF-8 is the one media type`(value: String, type: RequestHead.MediaType) throws {
    let text = "POST /v1/tokens HTTP/1.1\r\nHost: a\r\nContent-Type: \(value)\r\n\r\n"
    #expect(try head(text).mediaType == type)
  }

  @Test func `an idempotency key has 1 to 255 visible ASCII characters`() throws {
    func key(_ value: String) throws -> RequestHead.IdempotencyKey {
      try head("POST / HTTP/1.1\r\nHost: a\r\nIdempotency-Key: \(value)\r\n\r\n").idempotencyKey
    }
    let longest = String(repeating: "k", count: 255)
    #expect(try key(longest) == .key(Array(longest.utf8)))
    #expect(try key(longest + "k") == .malformed)
    #expect(try key("") == .malformed)
    #expect(try key("a b") == .malformed)
    #expect(try key("caf\u{e9}") == .malformed)
  }

  @Test func `a length that no integer holds is a very large one`() throws {
    let text = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999999\r\n\r\n"
    #expect(try head(text).bodyLength == .max)
  }

  @Test func `a head in parts is the same head, wherever it is cut`() throws {
    let text =
      "POST /v1/tokens HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nX-Tab:\ta\tb\r\n\r\n"
    let whole = parse(text)
    let all = Array(text.utf8)
    var scanned = 0
    for count in 0..<all.count {
      let outcome = Array(all[..<count]).withSpan {
        HeadParser.parse($0, scanned: scanned, limit: 8192)
      }
      guard case .incomplete(let offset) = outcome else {
        Issue.record("complete after \(count) bytes")
        return
      }
      #expect(offset >= scanned && offset <= count)
      scanned = offset
    }
    #expect(all.withSpan { HeadParser.parse($0, scanned: scanned, limit: 8192) } == whole)
  }

  @Test func `what follows a head is not looked at`() {
    let text = "DELETE /v1/tokens/x HTTP/1.1\r\nHost: a\r\n\r\n"
    guard case .head(_, let byteCount) = parse(text + "\u{0}garbage\n") else {
      Issue.record("refused")
      return
    }
    #expect(byteCount == text.utf8.count)
  }

  @Test func `a head may have as many bytes as the limit, its end included`() {
    let start = "POST / HTTP/1.1\r\nHost: a\r\nX: "
    let end = "\r\n\r\n"
    let filler = String(repeating: "x", count: 8192 - start.utf8.count - end.utf8.count)
    guard case .head(_, let byteCount) = parse(start + filler + end) else {
      Issue.record("refused")
      return
    }
    #expect(byteCount == 8192)
    #expect(parse(start + filler + "x" + end) == .refused(.tooLarge))
    #expect(parse(String(repeating: "x", count: 8192)) == .refused(.tooLarge))
    #expect(parse(String(repeating: "x", count: 8191)) == .incomplete(scanned: 8191))
  }

  @Test func `no bytes stop the parser`() {
    var generator = SystemRandomNumberGenerator()
    let seeds = [
      "POST /v1/tokens HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nConnection: close\r\n\r\n",
      "DELETE https://a/v1/tokens/\(testToken) HTTP/1.1\r\nHost: a\r\nIdempotency-Key: b\r\n\r\n",
    ]
    let interesting: [UInt8] = [0, 9, 10, 13, 32, 44, 47, 58, 59, 127, 255]
    for round in 0..<4_000 {
      var text = Array(seeds[round % seeds.count].utf8)
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        let place = Int.random(in: 0..<text.count, using: &generator)
        switch Int.random(in: 0..<3, using: &generator) {
        case 0: text[place] = interesting.randomElement(using: &generator) ?? 0
        case 1: text.remove(at: place)
        default: text.insert(UInt8.random(in: 0...255, using: &generator), at: place)
        }
      }
      if case .head(_, let byteCount) = text.withSpan({ HeadParser.parse($0, limit: 8192) }) {
        #expect(byteCount <= text.count)
      }
    }
  }
}
