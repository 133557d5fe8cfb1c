import NIOCore

/// The requests of one connection, written once; only digits, token and key change.
struct LoadRequests {
  /// The card of ``LoadPlan/Cards/same``: a published test number.
  private static let sameCard = Array("4970105181818183".utf8)

  private let operation: LoadPlan.Operation
  private var numbers: TestCardNumbers?
  private var digits: [UInt8]
  private var step = 0
  private var token = [UInt8](repeating: 0x30, count: 30)
  private var hasToken = false
  private var key = 0
  private let keyPrefix: String
  private let host: String

  private var tokenize: ByteBuffer
  private let numberOffset: Int

  init(_ plan: LoadPlan, connection: Int, firstCard: Int) {
    operation = plan.operation
    host = "\(plan.endpoint)"
    digits = Self.sameCard
    keyPrefix = "load-\(firstCard)-\(connection)-"
    if plan.cards == .new {
      numbers = TestCardNumbers(first: firstCard, offset: connection, stride: plan.connections)
    }
    let start = #"{"number":""#
    let body = start + String(repeating: "0", count: 16) + #"","exp_month":12,"exp_year":2035}"#
    let text = Self.head("POST /v1/tokens", host, body.utf8.count) + body
    tokenize = ByteBuffer(string: text)
    numberOffset = text.utf8.count - body.utf8.count + start.utf8.count
  }

  /// The next request.
  mutating func next() -> ByteBuffer {
    step = (step + 1) % 10
    guard operation == .mixed, hasToken, step >= 8 else { return nextTokenize() }
    let name = String(decoding: token, as: UTF8.self)
    if step == 8 {
      key += 1
      return Self.push(name, host, key: "\(keyPrefix)\(key)")
    }
    hasToken = false
    return ByteBuffer(
      string: "DELETE /v1/tokens/\(name) HTTP/1.1\r\nHost: \(host)\r\n\r\n")
  }

  /// Remembers the token that an answer gave.
  mutating func remember(_ range: Range<Int>, in answer: RawSpan) {
    guard operation == .mixed else { return }
    unsafe answer.extracting(range).withUnsafeBytes { bytes in
      for index in token.indices { unsafe token[index] = bytes[index] }
    }
    hasToken = true
  }

  private mutating func nextTokenize() -> ByteBuffer {
    numbers?.next(into: &digits)
    tokenize.setBytes(digits, at: numberOffset)
    return tokenize
  }

  private static func push(_ token: String, _ host: String, key: String) -> ByteBuffer {
    let body =
      #"{"acquirer":"credit-du-nord","amount":{"value":4990,"currency":"EUR"},"#
      + #""reference":"load","initiator":"cardholder","cvc":"123"}"#
    let path = "POST /v1/tokens/\(token)/detokenize"
    return ByteBuffer(
      string: head(path, host, body.utf8.count, "Idempotency-Key: \(key)\r\n") + body)
  }

  private static func head(
    _ line: String, _ host: String, _ length: Int, _ extra: String = ""
  ) -> String {
    "\(line) HTTP/1.1\r\nHost: \(host)\r\nContent-Type: application/json\r\n"
      + "Content-Length: \(length)\r\n\(extra)\r\n"
  }
}
