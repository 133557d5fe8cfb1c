import Bytes
import Cards
import JSON
import NIOCore
import Payments

/// The bodies of what is asked of the vault.
enum VaultRequest {
  /// Of tokenize. The number goes from secret memory into the buffer, which ``VaultClient`` wipes.
  static func tokenize(_ card: borrowing TypedCard, customer: String) -> ByteBuffer {
    var body = ByteBufferAllocator().buffer(capacity: 256)
    body.writeStaticString("{\"number\":\"")
    append(card.number.digits, to: &body)
    body.writeString("\",\"exp_month\":\(card.expiry.month),\"exp_year\":\(card.expiry.year)")
    // A brand's name and a customer's have no character that JSON would escape.
    if let scheme = card.scheme { body.writeString(",\"preferred_brand\":\"\(scheme.name)\"") }
    body.writeString(",\"customer\":\"\(customer)\"}")
    return body
  }

  /// Of tokenize for a token that is there already.
  static func view(_ token: String, preferredBrand: String? = nil) -> ByteBuffer {
    ByteBuffer(
      bytes: JSONWriter.document {
        $0.member("token", string: token)
        if let preferredBrand { $0.member("preferred_brand", string: preferredBrand) }
      })
  }

  /// A push with what was noted of it, and the code of the card.
  ///
  /// - Parameter members: the object without its closing brace, see ``members(_:_:_:)``.
  static func push(_ members: String, code: RawSpan?) -> ByteBuffer {
    var body = ByteBufferAllocator().buffer(capacity: members.utf8.count + 32)
    body.writeString(members)
    if let code {
      body.writeStaticString(",\"cvc\":\"")
      append(code, to: &body)
      body.writeStaticString("\"")
    }
    body.writeStaticString("}")
    return body
  }

  /// The same push in a form that is never sent on: with a code that none can be. Where the vault knows
  /// the key, it gives the answer that it gave, since it compares requests without their code; where it
  /// does not, it refuses this one.
  static func inquiry(_ members: String) -> ByteBuffer {
    ByteBuffer(string: members + ",\"cvc\":\"-\"}")
  }

  /// The members of a push but the code, and without the closing brace.
  static func members(
    _ operation: String, _ payment: Payment, _ attempt: Attempt, acquirer: String,
    inputs: [String: InputValue]
  ) -> String {
    var json = JSONWriter()
    json.beginObject()
    json.member("acquirer", string: acquirer)
    json.member("operation", string: operation)
    json.name("amount")
    json.object {
      $0.member("value", integer: payment.amount)
      $0.member("currency", string: payment.currency)
    }
    json.member("reference", string: payment.reference)
    if operation == "authentication_result" {
      json.member(
        "three_ds_server_transaction_id", string: attempt.challenge?.transaction ?? "")
    } else {
      json.member("initiator", string: "cardholder")
      if operation == "authorize", let threeDS = attempt.threeDS {
        json.name("three_ds")
        json.rawValue(Array(threeDS.utf8))
      }
      if !inputs.isEmpty {
        json.name("inputs")
        json.object { json in
          for (name, value) in inputs.sorted(by: { $0.key < $1.key }) {
            json.name(JSONName(name))
            switch value {
            case .text(let text): json.string(text)
            case .integer(let number): json.integer(number)
            case .boolean(let flag): json.boolean(flag)
            }
          }
        }
      }
    }
    return String(decoding: json.bytes, as: UTF8.self)
  }

  private static func append(_ bytes: RawSpan, to body: inout ByteBuffer) {
    for offset in bytes.byteOffsets { body.writeInteger(bytes.byte(offset)) }
  }
}
