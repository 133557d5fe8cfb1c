import Bytes
import Cards
import ConfigurationReading
import Cryptography
import Payments
import SecretMemory
import Synchronization

/// Bounds on attempts with cards: by address and BIN in a minute, by card in an hour. What is remembered of
/// a card is a digest under a key that lives as long as the process.
///
/// Each is counted before an attempt begins, so that many at once pass no bound, and given back where none
/// began.
final class Guesses: Sendable {
  enum Bound: Sendable { case address, card, bin }

  private struct Window {
    var began: Milliseconds
    var count: Int
  }

  private struct State {
    var addresses: [PeerAddress: Window] = [:]
    var lookups: [PeerAddress: Window] = [:]
    var bins: [String: Window] = [:]
    var cards: [Digest256: Window] = [:]
    /// The numbers of which tokens were made, by the digests of these.
    var tokens: [Digest256: Digest256] = [:]
  }

  private let bounds: PageConfiguration.Bounds
  private let key: SecretBytes
  private let state = Mutex(State())
  /// Of each kind; then those whose time is over go, and if none is, all.
  private static let most = 100_000
  private static let minute: Milliseconds = 60_000
  private static let hour: Milliseconds = 3_600_000
  /// Questions of one address for the brand of a card, in a minute.
  private static let lookups = 60

  init(_ bounds: PageConfiguration.Bounds) throws {
    self.bounds = bounds
    key = try SecretBytes.random(count: 32)
  }

  /// Counts an attempt from an address; false where it is one too many.
  func admit(address: PeerAddress, at now: Milliseconds) -> Bool {
    state.withLock {
      Self.count(address.network, in: &$0.addresses, bounds.byAddress, Self.minute, now)
    }
  }

  /// Counts a question for a brand; false where it is one too many.
  func admit(lookupFrom address: PeerAddress, at now: Milliseconds) -> Bool {
    state.withLock { Self.count(address.network, in: &$0.lookups, Self.lookups, Self.minute, now) }
  }

  /// What was counted of an attempt: given back where nothing came of it.
  struct Guess: Sendable {
    fileprivate let card: Digest256
    fileprivate let bin: String?
    fileprivate let at: Milliseconds
  }

  enum Admission: Sendable {
    case admitted(Guess)
    /// The bound that is passed.
    case refused(Bound)
  }

  /// Counts an attempt with a card.
  func admit(_ card: borrowing PAN, at now: Milliseconds) -> Admission {
    let digest = Self.digest(card.digits, key)
    let bin = card.bin(digits: 8) ?? ""
    return state.withLock { state in
      guard Self.count(digest, in: &state.cards, bounds.byCard, Self.hour, now) else {
        return .refused(.card)
      }
      guard Self.count(bin, in: &state.bins, bounds.byBIN, Self.minute, now) else {
        Self.giveBack(digest, in: &state.cards, countedAt: now)
        return .refused(.bin)
      }
      return .admitted(Guess(card: digest, bin: bin, at: now))
    }
  }

  /// Counts an attempt with a card that is known by its token: as its number, where that was typed since the
  /// start.
  func admit(token: String, at now: Milliseconds) -> Admission {
    let ofToken = Digest256.sha256(Array(token.utf8).rawSpan)
    return state.withLock { state in
      let digest = state.tokens[ofToken] ?? ofToken
      guard Self.count(digest, in: &state.cards, bounds.byCard, Self.hour, now) else {
        return .refused(.card)
      }
      return .admitted(Guess(card: digest, bin: nil, at: now))
    }
  }

  /// The vault has made a token of the number that was counted: they count as one.
  func learn(_ token: String, of guess: Guess) {
    let ofToken = Digest256.sha256(Array(token.utf8).rawSpan)
    state.withLock { state in
      if state.tokens.count >= Self.most { state.tokens = [:] }
      state.tokens[ofToken] = guess.card
    }
  }

  /// Nothing began, or nobody was reached: it does not count.
  func giveBack(_ guess: Guess) {
    state.withLock { state in
      Self.giveBack(guess.card, in: &state.cards, countedAt: guess.at)
      if let bin = guess.bin { Self.giveBack(bin, in: &state.bins, countedAt: guess.at) }
    }
  }

  private static func giveBack<Key: Hashable>(
    _ key: Key, in windows: inout [Key: Window], countedAt time: Milliseconds
  ) {
    // Of a window that has begun since, it was none.
    guard let window = windows[key], window.began <= time else { return }
    windows[key]?.count = max(0, window.count - 1)
  }

  private static func digest(_ digits: RawSpan, _ key: borrowing SecretBytes) -> Digest256 {
    guard var authenticator = try? MessageAuthenticator(key: key.bytes) else { return .zero }
    return authenticator.authenticationCode(for: digits)
  }

  private static func count<Key: Hashable>(
    _ key: Key, in windows: inout [Key: Window], _ bound: Int, _ length: Milliseconds,
    _ now: Milliseconds
  ) -> Bool {
    if windows.count >= most {
      windows = windows.filter { now - $0.value.began < length }
      if windows.count >= most { windows = [:] }
    }
    var window = windows[key] ?? Window(began: now, count: 0)
    if now - window.began >= length { window = Window(began: now, count: 0) }
    guard window.count < bound else { return false }
    window.count += 1
    windows[key] = window
    return true
  }
}
