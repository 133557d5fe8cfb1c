import Bytes
import Cryptography
import Synchronization

/// What the simulator keeps of a card's number: a digest under a key that ends with the process, so
/// that its log can say "the same card" and nobody can search for which.
final class CardDigests: Sendable {
  private let authenticator: Mutex<MessageAuthenticator>

  /// Draws the key.
  init() throws(DevelopmentError) {
    do {
      var pool = try RandomPool()
      let key = try pool.bytes(count: 32)
      authenticator = Mutex(try MessageAuthenticator(key: key.rawSpan))
    } catch {
      throw .unexpected("cannot key the simulator's digests: \(error)")
    }
  }

  /// The first 8 hexadecimal digits of the digest of `card`.
  func digest(of card: RawSpan) -> String {
    authenticator.withLock { authenticator in
      authenticator.begin()
      authenticator.update(card)
      return String(authenticator.finish().hex.prefix(8))
    }
  }
}
