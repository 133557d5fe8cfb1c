import NIOCore

/// The requests of one connection, each written once; only digits, token and key change in them.
struct BenchMessages {
  private static let key = String(repeating: "0", count: 27)
  private static let noToken = String(repeating: "0", count: BenchCards.tokenLength)

  private var tokenize: ByteBuffer
  private let numberOffset: Int
  private var pull: ByteBuffer
  private var push: ByteBuffer
  private var delete: ByteBuffer
  private let keyOffset: Int
  private var keyDigits: [UInt8]
  private var pushes = 0

  /// - Parameter series: what makes the idempotency keys of this connection its own, below 10^17.
  init(host: String, series: Int) {
    let number = String(repeating: "0", count: TestCardNumbers.length)
    let start = #"{"number":""#
    let card = start + number + #"","exp_month":12,"exp_year":2035}"#
    let tokenizeHead = Self.head("POST /v1/tokens", host, card.utf8.count)
    tokenize = ByteBuffer(string: tokenizeHead + card)
    numberOffset = tokenizeHead.utf8.count + start.utf8.count

    let path = "POST /v1/tokens/\(Self.noToken)/detokenize"
    pull = ByteBuffer(string: Self.head(path, host, 2) + "{}")
    let payment =
      #"{"acquirer":"credit-du-nord","amount":{"value":4990,"currency":"EUR"},"#
      + #""reference":"bench","initiator":"cardholder","cvc":"123"}"#
    let field = "Idempotency-Key: "
    let pushHead = Self.head(path, host, payment.utf8.count, "\(field)\(Self.key)\r\n")
    push = ByteBuffer(string: pushHead + payment)
    keyOffset = pushHead.utf8.count - 4 - Self.key.utf8.count
    keyDigits = Array(Self.key.utf8)
    Self.write(series, over: &keyDigits, endingAt: 17)

    delete = ByteBuffer(
      string: "DELETE /v1/tokens/\(Self.noToken) HTTP/1.1\r\nHost: \(host)\r\n\r\n")
  }

  /// A card's way in.
  mutating func tokenize(_ digits: [UInt8]) -> ByteBuffer {
    tokenize.setBytes(digits, at: numberOffset)
    return tokenize
  }

  /// An acquirer's read.
  mutating func pull(_ token: ArraySlice<UInt8>) -> ByteBuffer {
    pull.setBytes(token, at: "POST /v1/tokens/".utf8.count)
    return pull
  }

  /// A payment, under an idempotency key of its own.
  mutating func push(_ token: ArraySlice<UInt8>) -> ByteBuffer {
    pushes += 1
    Self.write(pushes, over: &keyDigits, endingAt: keyDigits.count)
    push.setBytes(token, at: "POST /v1/tokens/".utf8.count)
    push.setBytes(keyDigits, at: keyOffset)
    return push
  }

  /// The end of a card.
  mutating func delete(_ token: ArraySlice<UInt8>) -> ByteBuffer {
    delete.setBytes(token, at: "DELETE /v1/tokens/".utf8.count)
    return delete
  }

  private static func write(_ number: Int, over digits: inout [UInt8], endingAt end: Int) {
    var rest = number
    var index = end
    while rest > 0, index > 0 {
      index -= 1
      digits[index] = 0x30 + UInt8(rest % 10)
      rest /= 10
    }
  }

  private static func head(
    _ line: String, _ host: String, _ length: Int, _ extra: String = ""
  ) -> String {
    "\(line) HTTP/1.1\r\nHost: \(host)\r\nContent-Type: application/json\r\n"
      + "Content-Length: \(length)\r\n\(extra)\r\n"
  }
}
