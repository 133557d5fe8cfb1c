import Bytes
import JSON
import NIOCore
import NIOHTTP1

/// An answer in the simulator's dialect.
struct SimulatorAnswer {
  let status: HTTPResponseStatus
  let contentType: String
  let body: ByteBuffer

  private init(_ status: HTTPResponseStatus, _ body: ByteBuffer, as type: String) {
    self.status = status
    self.body = body
    contentType = type
  }

  private init(_ status: HTTPResponseStatus, _ json: [UInt8]) {
    self.init(status, ByteBuffer(bytes: json), as: "application/json")
  }

  /// The answer to a message that was decided; nil where the decision is to say nothing.
  /// - Parameters:
  ///   - cardNumber: the card's digits, which only an answer that echoes repeats.
  ///   - securityCode: the same of its code; empty where none came.
  static func decided(
    _ decision: SimulatorDecision, on message: SimulatorMessage, cardNumber: RawSpan,
    securityCode: RawSpan
  ) -> SimulatorAnswer? {
    let paymentIdentifier = message.paymentIdentifier
    return switch decision {
    case .approve(let part): approved(message, partially: part)
    case .approveLate: approved(message, partially: nil)
    case .decideLater: pending(paymentIdentifier)
    case .approveEchoingCard: echoing(cardNumber, message)
    case .approveEchoing(let echo): echoing(echo, message, cardNumber, securityCode)
    case .decline(let code): refused(paymentIdentifier, status: "DECLINED", code: code)
    case .challenge: refused(paymentIdentifier, status: "CHALLENGE_REQUIRED", code: "1A")
    case .reject: rejected(paymentIdentifier)
    case .garble:
      SimulatorAnswer(
        .ok, ByteBuffer(string: "<html><body>Service notice</body></html>"), as: "text/html")
    case .disconnect: nil
    }
  }

  /// The answer to a message that is not as the dialect says.
  static func rejected(_ paymentIdentifier: String?) -> SimulatorAnswer {
    let json = JSONWriter.document { json in
      json.member("payment_id", string: paymentIdentifier)
      json.member("status", string: "REJECTED")
      json.name("error")
      json.object { $0.member("code", string: "INVALID_REQUEST") }
    }
    return SimulatorAnswer(.badRequest, json)
  }

  /// The list of payments received so far.
  static func received(count: Int, identifiers: [String]) -> SimulatorAnswer {
    let json = JSONWriter.document { json in
      json.member("count", integer: count)
      json.member("payment_ids", strings: identifiers)
    }
    return SimulatorAnswer(.ok, json)
  }

  /// An answer to what is no payment message, with a status alone.
  static func empty(_ status: HTTPResponseStatus) -> SimulatorAnswer {
    SimulatorAnswer(status, ByteBuffer(), as: "text/plain")
  }

  /// What 3-D Secure came to.
  static func authentication(
    _ result: AuthenticationDesk.Result, _ paymentIdentifier: String
  ) -> SimulatorAnswer {
    let json = JSONWriter.document { json in
      json.member("payment_id", string: paymentIdentifier)
      switch result {
      case .authenticated(let data):
        json.member("status", string: "AUTHENTICATED")
        json.name("three_ds")
        json.object { json in
          json.member("version", string: "2.2.0")
          json.member("status", string: data.status)
          json.member("eci", string: data.indicator)
          json.member("cavv", string: data.value)
          json.member("ds_transaction_id", string: data.directoryTransaction)
          json.member("acs_transaction_id", string: data.accessControlTransaction)
          json.member("cavv_algorithm", string: "2")
          json.member("network_score", string: "12")
        }
      case .challenge(let transaction, let url, let request):
        json.member("status", string: "CHALLENGE")
        json.member("acs_url", string: url)
        json.member("creq", string: request)
        json.member("three_ds_server_transaction_id", string: transaction)
      case .notAuthenticated:
        json.member("status", string: "NOT_AUTHENTICATED")
      }
    }
    return SimulatorAnswer(.ok, json)
  }

  private static func pending(_ paymentIdentifier: String) -> SimulatorAnswer {
    let json = JSONWriter.document { json in
      json.member("payment_id", string: paymentIdentifier)
      json.member("status", string: "PENDING")
      json.member("transaction_id", string: "T" + hexadecimal(digits: 16))
    }
    return SimulatorAnswer(.ok, json)
  }

  private static func approved(
    _ message: SimulatorMessage, partially part: Int64?
  ) -> SimulatorAnswer {
    let json = JSONWriter.document { json in
      json.member("payment_id", string: message.paymentIdentifier)
      json.member("status", string: "APPROVED")
      json.member("response_code", string: part == nil ? "00" : "10")
      json.member("captured", boolean: !message.isCapturedLater)
      json.member("transaction_id", string: "T" + hexadecimal(digits: 16))
      json.member("network_transaction_id", string: "N" + hexadecimal(digits: 14))
      json.member("authorization_code", string: hexadecimal(digits: 6))
      if let part { json.member("approved_amount", integer: part) }
    }
    return SimulatorAnswer(.ok, json)
  }

  private static func refused(
    _ paymentIdentifier: String, status: String, code: String
  ) -> SimulatorAnswer {
    let json = JSONWriter.document { json in
      json.member("payment_id", string: paymentIdentifier)
      json.member("status", string: status)
      json.member("response_code", string: code)
    }
    return SimulatorAnswer(.ok, json)
  }

  /// An acquirer that is careless with what it was given: the card is in every member that is text
  /// but `status`. The amount is a number, and the one that was asked for.
  private static func echoing(
    _ cardNumber: RawSpan, _ message: SimulatorMessage
  ) -> SimulatorAnswer {
    var body = beginning(of: message)
    let members = [
      "response_code", "transaction_id", "network_transaction_id", "authorization_code",
    ]
    for member in members {
      body.writeString(#","\#(member)":""#)
      body.writeBytes(cardNumber)
      body.writeString("\"")
    }
    body.writeString(#","approved_amount":\#(message.amount)}"#)
    return SimulatorAnswer(.ok, body, as: "application/json")
  }

  /// An acquirer that gives away one thing.
  private static func echoing(
    _ echo: SimulatorEcho, _ message: SimulatorMessage, _ cardNumber: RawSpan,
    _ securityCode: RawSpan
  ) -> SimulatorAnswer {
    var body = beginning(of: message)
    body.writeString(#","response_code":"00","transaction_id":""#)
    let piece = cardNumber.extracting(first: SimulatorEcho.pieceDigits)
    switch echo {
    case .part: body.writeBytes(cardNumber)
    case .amount: body.writeString("T1")
    case .backwards:
      for offset in cardNumber.byteOffsets.reversed() {
        body.writeInteger(cardNumber.byte(offset))
      }
    case .piece: body.writeBytes(piece)
    case .code: body.writeBytes(securityCode)
    }
    body.writeString("\"")
    if echo == .part { body.writeString(#","approved_amount":\#(message.amount / 2)"#) }
    if echo == .amount {
      body.writeString(#","approved_amount":"#)
      body.writeBytes(piece)
    }
    body.writeString("}")
    return SimulatorAnswer(.ok, body, as: "application/json")
  }

  private static func beginning(of message: SimulatorMessage) -> ByteBuffer {
    ByteBuffer(string: #"{"payment_id":"\#(message.paymentIdentifier)","status":"APPROVED""#)
  }

  private static func hexadecimal(digits: Int) -> String {
    let value = String(UInt64.random(in: .min ... .max), radix: 16, uppercase: true)
    return String((String(repeating: "0", count: 16) + value).suffix(digits))
  }
}
