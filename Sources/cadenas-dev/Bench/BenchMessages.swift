import NIOCore

/// The requests of one connection, each written once; only digits, token and key change in them.
struct BenchMessages {
  private static let key = String(repeating: "0", count: 27)
  private static let noToken = String(repeating: "0", count: BenchCards.tokenLength)
  private static let number = String(repeating: "0", count: TestCardNumbers.length)
  private static let card = #"{"number":"\#(number)","exp_month":12,"exp_year":2035}"#
  /// Where the parts that change stand in a request with a card, in bytes before its end.
  private static let numberPlace = #"\#(number)","exp_month":12,"exp_year":2035}"#.utf8.count
  private static let monthPlace = #"12,"exp_year":2035}"#.utf8.count
  private static let yearPlace = "2035}".utf8.count
  private static let keyPlace = "\(key)\r\n\r\n\(card)".utf8.count

  private var tokenize: ByteBuffer
  private var keyed: ByteBuffer
  private var pull: ByteBuffer
  private var push: ByteBuffer
  private var delete: ByteBuffer
  private let keyOffset: Int
  private var keyDigits: [UInt8]
  private var keys = 0

  /// - Parameter series: what makes the idempotency keys of this connection its own, below 10^17.
  init(host: String, series: Int) {
    let field = "Idempotency-Key: \(Self.key)\r\n"
    let line = "POST /v1/tokens"
    let length = Self.card.utf8.count
    tokenize = ByteBuffer(string: Self.head(line, host, length) + Self.card)
    keyed = ByteBuffer(string: Self.head(line, host, length, field) + Self.card)

    let path = "POST /v1/tokens/\(Self.noToken)/detokenize"
    pull = ByteBuffer(string: Self.head(path, host, 2) + "{}")
    let payment =
      #"{"acquirer":"credit-du-nord","amount":{"value":4990,"currency":"EUR"},"#
      + #""reference":"bench","initiator":"cardholder","cvc":"123"}"#
    let pushHead = Self.head(path, host, payment.utf8.count, field)
    push = ByteBuffer(string: pushHead + payment)
    keyOffset = pushHead.utf8.count - 4 - Self.key.utf8.count
    keyDigits = Array(Self.key.utf8)
    Self.write(series, over: &keyDigits, endingAt: 17)

    delete = ByteBuffer(
      string: "DELETE /v1/tokens/\(Self.noToken) HTTP/1.1\r\nHost: \(host)\r\n\r\n")
  }

  /// A card's way in.
  mutating func tokenize(_ digits: [UInt8]) -> ByteBuffer {
    tokenize.setBytes(digits, at: tokenize.writerIndex - Self.numberPlace)
    return tokenize
  }

  /// A card's way in, under an idempotency key of its own.
  mutating func tokenizeUnderKey(_ digits: [UInt8]) -> ByteBuffer {
    keyed.setBytes(nextKey(), at: keyed.writerIndex - Self.keyPlace)
    keyed.setBytes(digits, at: keyed.writerIndex - Self.numberPlace)
    return keyed
  }

  /// A card with an expiry that is `steps` steps, and one, later than that of the others.
  func tokenize(_ digits: [UInt8], laterBy steps: Int) -> ByteBuffer {
    var message = tokenize
    message.setBytes(digits, at: message.writerIndex - Self.numberPlace)
    // Months of two digits only, so that the message stays as long as it is.
    message.setString("\(10 + steps % 3)", at: message.writerIndex - Self.monthPlace)
    message.setString(
      "\(min(2036 + steps / 3, 2099))", at: message.writerIndex - Self.yearPlace)
    return message
  }

  /// An acquirer's read.
  mutating func pull(_ token: ArraySlice<UInt8>) -> ByteBuffer {
    pull.setBytes(token, at: "POST /v1/tokens/".utf8.count)
    return pull
  }

  /// A payment, under an idempotency key of its own.
  mutating func push(_ token: ArraySlice<UInt8>) -> ByteBuffer {
    push.setBytes(token, at: "POST /v1/tokens/".utf8.count)
    push.setBytes(nextKey(), at: keyOffset)
    return push
  }

  private mutating func nextKey() -> [UInt8] {
    keys += 1
    Self.write(keys, over: &keyDigits, endingAt: keyDigits.count)
    return keyDigits
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
