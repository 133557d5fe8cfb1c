import TestNetwork
import TestSupport
import Testing

@testable import cadenas_dev

extension TestCardNumbers {
  /// A random place to start.
  static func randomStart() -> Int { Int.random(in: filledSize..<rangeSize) }
}

/// Everything that clients do with card numbers, permitted or not, so that afterwards can be looked
/// for what is left of them.
final class CardTraffic {
  private let stage: Stage
  private var next = Int.random(in: 0..<900_000_000)
  /// Every number that was sent.
  private(set) var numbers: [String] = []
  /// Every answer that a merchant's client, or nobody's, received.
  private(set) var answers: [WireAnswer] = []
  /// The connections that have been kept open.
  private(set) var open: [Wire] = []
  private var tokens: [String] = []
  /// Keeps the keys of two of these apart.
  private let name = "traffic-\(UInt32.random(in: 0 ... .max))"
  private var keys = 0

  init(_ stage: Stage) { self.stage = stage }

  /// A card number that nobody has sent before, of the range that ``NumberSearch`` looks for.
  func newNumber() -> String {
    next += 1
    let number = Luhn.completing(
      NumberSearch.prefix + String(1_000_000_000 + next).dropFirst())
    numbers.append(number)
    return number
  }

  /// All of it.
  func run() async throws {
    try await tokenizeWhole()
    try await tokenizeInParts()
    try await tokenizeInChunks()
    try await tokenizeTogether()
    try await beRefused()
    try await beRefusedAsHTTP()
    try await breakOff()
    try await pay()
    try await pull()
  }

  /// Ends the connections that were kept.
  func close() async {
    for wire in open { await wire.close() }
    open = []
  }

  private func connect(_ name: String = "shop") async throws -> Wire {
    let wire = try await stage.connect(name)
    open.append(wire)
    return wire
  }

  private func newKey() -> String {
    keys += 1
    return "\(name)-\(keys)"
  }

  private func take(_ answer: WireAnswer) {
    answers.append(answer)
    if let token = answer["token"] { tokens.append(token) }
  }

  private func tokenizeWhole() async throws {
    let wire = try await connect()
    for _ in 0..<10 {
      let number = newNumber()
      take(try await wire.ask(.tokenize(number, key: newKey())))
      take(try await wire.ask(.tokenize(number, more: #","preferred_brand":"cb""#)))
    }
    let number = newNumber()
    let spaced = number.prefix(4) + " " + number.dropFirst(4).prefix(8) + "-" + number.suffix(4)
    take(try await wire.ask(.tokenize(String(spaced))))
    let escaped = #"\u0034"# + newNumber().dropFirst()
    take(try await wire.ask(.tokenize(escaped)))
    #expect(answers.allSatisfy { $0.status < 300 })
  }

  /// In pieces that end within the number, and byte by byte.
  private func tokenizeInParts() async throws {
    for size in [1, 7, 50, 150] {
      let wire = try await connect()
      for _ in 0..<3 {
        var rest = Array(WireRequest.tokenize(newNumber()).text.utf8)[...]
        while !rest.isEmpty {
          try await wire.send(Array(rest.prefix(size)))
          rest = rest.dropFirst(size)
          if size > 1 { try await pause(milliseconds: 1) }
        }
        take(try await wire.answer())
      }
    }
    let wire = try await connect()
    let request = WireRequest.tokenize(newNumber())
    let body = request.body ?? ""
    let head = request.text.dropLast(body.count + 1) + "Expect: 100-continue\r\n\r\n"
    try await wire.send(String(head))
    #expect(try await wire.answer(hasBody: false).status == 100)
    try await wire.send(body)
    take(try await wire.answer())
  }

  /// In chunks that end within the number: in one write, byte by byte, and to no good end.
  private func tokenizeInChunks() async throws {
    let wire = try await connect()
    for size in [5, 30, 200] {
      try await wire.send(chunked(newNumber(), of: size))
      take(try await wire.answer())
      for byte in chunked(newNumber(), of: size).utf8 { try await wire.send([byte]) }
      take(try await wire.answer())
      #expect(answers.suffix(2).allSatisfy { $0.status == 201 })
      let end = "0\r\n\r\n"
      for other in ["x", "0\r\nX-Card: \(newNumber())\r\n\r\n"] {
        let wire = try await connect()
        try await wire.send(chunked(newNumber(), of: size).replacing(end, with: other))
        take(try await wire.answer())
        #expect(answers.last?.status == 400)
      }
      let leaving = try await stage.connect()
      try await leaving.send(chunked(newNumber(), of: size).replacing(end, with: ""))
      await leaving.close()
    }
    let wide = try await connect()
    try await wide.send(chunked(String(repeating: newNumber(), count: 300), of: 50))
    take(try await wide.answer())
    #expect(answers.last?.status == 413)
  }

  private func chunked(_ number: String, of size: Int) -> String {
    var rest = Substring(WireRequest.tokenize(number).body ?? "")
    var text =
      "POST /v1/tokens HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
      + "Transfer-Encoding: chunked\r\n\r\n"
    while !rest.isEmpty {
      let piece = rest.prefix(size)
      text += "\(String(piece.utf8.count, radix: 16))\r\n\(piece)\r\n"
      rest = rest.dropFirst(size)
    }
    return text + "0\r\n\r\n"
  }

  private func tokenizeTogether() async throws {
    let wire = try await connect()
    let texts = (0..<12).map { _ in WireRequest.tokenize(newNumber()).text }
    try await wire.send(texts.joined())
    for _ in texts { take(try await wire.answer()) }
    // A second read while the first request is under way, and one that ends within a request.
    try await wire.send(texts[0])
    try await wire.send(texts[1] + texts[2].prefix(112))
    try await wire.send(String(texts[2].dropFirst(112)))
    for _ in 0..<3 { take(try await wire.answer()) }
  }

  /// Refused by meaning: each holds a number where it has a place, or where it has none.
  private func beRefused() async throws {
    let wire = try await connect()
    let date = #""exp_month":12,"exp_year":2035"#
    let makers: [(String) -> String] = [
      { #"{"number":"\#($0)","exp_month":1,"exp_year":2020}"# },
      { #"{"number":"\#($0)",\#(date),"cvc":"737"}"# },
      { #"{"number":"\#($0)",\#(date),"track2":"\#($0)=28121011000"}"# },
      { #"{"number":"\#($0)",\#(date),"\#($0)":1}"# },
      { #"{"number":"\#($0)",\#(date),"customer":"\#($0)"}"# },
      { #"{"number":"\#($0)",\#(date),"preferred_brand":"\#($0)"}"# },
      { #"{"number":"\#($0)","exp_month":\#($0),"exp_year":2035}"# },
      { #"{"number":\#($0),\#(date)}"# },
      { #"{"number":"\#($0)\#($0)",\#(date)}"# },
      { #"{"number":"\#($0)",\#(date)"# },
      { #"{"number":"\#($0)","number":"\#($0)",\#(date)}"# },
      { #"["\#($0)"]"# },
      { $0 },
      { #"{"token":"\#($0)"}"# },
      { #"{"token":"tok_01kax3zv5ye8bvkp2mszn9fqxw","number":"\#($0)"}"# },
    ]
    for make in makers { take(try await wire.ask(.tokenize(body: make(newNumber())))) }
    take(try await wire.ask(.delete(newNumber())))
    take(try await wire.ask(.push(newNumber(), amount: 1, key: newKey())))
    take(try await wire.ask(WireRequest(method: "GET", path: "/cards/\(newNumber())")))
    take(try await wire.ask(WireRequest(method: "GET", path: "/v1/tokens?n=\(newNumber())")))
    take(try await wire.ask(.tokenize("4970105181818184", key: newNumber())))
    var text = WireRequest.tokenize(newNumber())
    text.headers = [("Content-Type", "text/plain"), ("X-Card", newNumber())]
    take(try await wire.ask(text))
    let token = tokens[0]
    for member in ["reference", "operation", "initiator", "holder", "acquirer", "cvc", "pin"] {
      let body = #"{"acquirer":"credit-du-nord","\#(member)":"\#(newNumber())"}"#
      take(try await wire.ask(.push(token, body: body, key: newKey())))
    }
    #expect(answers.suffix(makers.count + 13).allSatisfy { (400..<500).contains($0.status) })
    for name in ["nobody", "impostor", "other-shop"] {
      take(try await connect(name).ask(.tokenize(newNumber())))
    }
  }

  /// Refused before anybody looks at the body; each ends its connection.
  private func beRefusedAsHTTP() async throws {
    let long = String(repeating: newNumber() + " ", count: 300)
    let request = WireRequest.tokenize(newNumber()).text
    let texts = [
      WireRequest.tokenize(body: long).text,
      request.replacing("Host:", with: "X-Long: \(long)\(long)\r\nHost:"),
      request.replacing("Content-Length", with: "Transfer-Encoding"),
      request.replacing("HTTP/1.1", with: "HTTP/1.0"),
      request.replacing("Host: localhost", with: "Host: \(newNumber()) x"),
      request.replacing("POST", with: newNumber() + "("),
      request.replacing("Content-Type", with: "Content-Type: x\r\nContent-Type"),
      newNumber(),
    ]
    for text in texts.dropLast() {
      let wire = try await connect()
      try await wire.send(text)
      take(try await wire.answer())
      #expect(answers.last.map { (400..<500).contains($0.status) } == true)
    }
  }

  /// Clients that go away within a body.
  private func breakOff() async throws {
    for length in [111, 125, 170] {
      let wire = try await stage.connect()
      let text = WireRequest.tokenize(newNumber(), more: #","customer":"never-complete""#).text
      try await wire.send(String(text.prefix(length)))
      await wire.close()
    }
  }

  private func pay() async throws {
    let wire = try await connect()
    for (index, amount) in [
      4_990, 100_001, 100_006, 100_007, 100_008, 100_009, 100_011, 100_012,
    ].enumerated() {
      let push = WireRequest.push(
        tokens[index * 2], amount: amount, more: #","cvc":"737","reference":"r-\#(index)""#,
        key: newKey())
      take(try await wire.ask(push))
      take(try await wire.ask(push))
    }
  }

  private func pull() async throws {
    let wire = try await connect("acquirer")
    for token in Set(tokens).prefix(20) {
      let answer = try await wire.ask(.pull(token))
      #expect(answer.status == 200 || answer.status == 404)
    }
  }
}
