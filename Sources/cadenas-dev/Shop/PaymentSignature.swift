import Bytes
import Cryptography

/// Tells what the payment page says from what somebody else does: HMAC-SHA256 under the secret that both know.
///
/// - Source: the payment page's interface for shops, "Notifications".
struct PaymentSignature: Sendable {
  /// How old a notification's signature may be, and how far ahead, in seconds.
  static let toleranceSeconds: Int64 = 300

  private let secret: [UInt8]

  init(secret: [UInt8]) { self.secret = secret }

  /// Whether `header`, the value of `Cadenas-Signature` (`t=UNIX,v1=HEX`), is of this body and of now.
  /// - Parameter now: seconds since 1970.
  func covers(_ body: [UInt8], header: String, now: Int64) -> Bool {
    var time: Substring?
    var code: Substring?
    for part in header.split(separator: ",") {
      let part = part.drop { $0 == " " }
      if part.hasPrefix("t=") { time = time ?? part.dropFirst(2) }
      if part.hasPrefix("v1=") { code = code ?? part.dropFirst(3) }
    }
    guard let time, let code, let seconds = Self.seconds(time),
      abs(now - seconds) <= Self.toleranceSeconds
    else { return false }
    return isCode(code, of: Array("\(time).".utf8) + body)
  }

  /// Whether the page has sent the browser back with this `state` of `payment` at `time`.
  func coversReturn(payment: String, state: String, time: String, signature: String) -> Bool {
    isCode(signature, of: Array("\(payment).\(state).\(time)".utf8))
  }

  /// What the page writes over `message`, as hexadecimal digits.
  func code(of message: [UInt8]) -> String {
    digest(of: message)?.hex ?? ""
  }

  private func isCode(_ code: some StringProtocol, of message: [UInt8]) -> Bool {
    guard let given = Digest256(hex: code), let own = digest(of: message) else { return false }
    return own.isEqualInConstantTime(to: given)
  }

  private func digest(of message: [UInt8]) -> Digest256? {
    guard var authenticator = try? MessageAuthenticator(key: secret.rawSpan) else { return nil }
    return authenticator.authenticationCode(for: message.rawSpan)
  }

  /// At most twelve digits, so that no difference overflows.
  private static func seconds(_ text: Substring) -> Int64? {
    guard (1...12).contains(text.utf8.count), text.utf8.allSatisfy({ isDigit($0) }) else {
      return nil
    }
    return Int64(text)
  }
}
