import Cards
import Cryptography
import Payments
import Synchronization

/// Names of payments, addresses of pages and form tokens: random bits of libcrypto.
final class Identifiers: Sendable {
  private struct State: ~Copyable {
    var random: RandomPool
    var sequence = IdentifierSequence(after: nil)
  }

  private let state: Mutex<State>

  init() throws { state = Mutex(State(random: try RandomPool())) }

  /// `pp_` and a UUID of version 7.
  func payment(at now: Milliseconds) throws -> String {
    try state.withLock { state in
      let random = try state.random.next()
      let spread = try state.random.next()
      return try state.sequence.next(
        atMilliseconds: UInt64(max(now, 0)), random: random, spread: spread
      ).text(prefix: "pp_")
    }
  }

  /// 130 random bits as 26 digits of Crockford's base 32.
  func address() throws -> String {
    let bytes = try state.withLock { try $0.random.bytes(count: Self.digits) }
    return String(decoding: bytes.map { Self.alphabet[Int($0 & 31)] }, as: UTF8.self)
  }

  private static let digits = 26
  private static let alphabet = Array("0123456789abcdefghjkmnpqrstvwxyz".utf8)

  /// Whether text can be an address or a form token.
  static func isAddress(_ text: some StringProtocol) -> Bool {
    text.utf8.count == digits && text.utf8.allSatisfy { alphabet.contains($0) }
  }
}
