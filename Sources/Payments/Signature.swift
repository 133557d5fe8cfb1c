internal import Bytes
package import Cryptography
package import SecretMemory

/// What a shop tells apart what the page has said from what anybody could say: HMAC-SHA256 under a secret
/// that both know.
package struct Signature: Sendable {
  private let key: SharedKey

  /// A key for several threads.
  private final class SharedKey: Sendable {
    private let bytes: SecretBytes

    init(_ bytes: consuming SecretBytes) { self.bytes = bytes }

    func authenticate(_ message: [UInt8]) throws(CryptographyError) -> String {
      try Self.code(of: message, under: bytes)
    }

    private static func code(
      of message: [UInt8], under key: borrowing SecretBytes
    ) throws(CryptographyError) -> String {
      var authenticator = try MessageAuthenticator(key: key.bytes)
      return authenticator.authenticationCode(for: message.rawSpan).hex
    }
  }

  /// - Parameter key: the file's bytes without its end of line; at least one.
  package init(key: consuming SecretBytes) { self.key = SharedKey(key) }

  /// The value of `Cadenas-Signature`: `t=UNIX,v1=HEX`, over the text of `t`, a full stop, and the body.
  package func header(_ body: [UInt8], unixSeconds: Int64) throws(CryptographyError) -> String {
    "t=\(unixSeconds),v1=\(try code(Array("\(unixSeconds).".utf8) + body))"
  }

  /// The return address with `payment`, `state`, `t` and `signature`, over `payment.state.t`.
  package func returnURL(
    _ url: String, payment: String, state: String, unixSeconds: Int64
  ) throws(CryptographyError) -> String {
    let code = try code(Array("\(payment).\(state).\(unixSeconds)".utf8))
    let mark = url.contains("?") ? "&" : "?"
    return "\(url)\(mark)payment=\(payment)&state=\(state)&t=\(unixSeconds)&signature=\(code)"
  }

  private func code(_ message: [UInt8]) throws(CryptographyError) -> String {
    try key.authenticate(message)
  }
}
