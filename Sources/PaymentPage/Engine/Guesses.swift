import Bytes
import Cards
import ConfigurationReading
import Cryptography
import Payments
import SecretMemory
import Synchronization

/// Bounds on attempts with cards: by address and BIN in a minute, by card in an hour. What is remembered of
/// a card is a digest under a key that lives as long as the process.
final class Guesses: Sendable {
  enum Bound: Sendable { case address, card, bin }

  private struct Window {
    var began: Milliseconds
    var count: Int
  }

  private struct State {
    var addresses: [String: Window] = [:]
    var lookups: [String: Window] = [:]
    var bins: [String: Window] = [:]
    var cards: [Digest256: Window] = [:]
    /// Of the forms with which numbers were typed.
    var forms: [String: Digest256] = [:]
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
  func admit(address: String, at now: Milliseconds) -> Bool {
    state.withLock {
      Self.count(address, in: &$0.addresses, bounds.byAddress, Self.minute, now)
    }
  }

  /// Counts a question for a brand; false where it is one too many.
  func admit(lookupFrom address: String, at now: Milliseconds) -> Bool {
    state.withLock { Self.count(address, in: &$0.lookups, Self.lookups, Self.minute, now) }
  }

  /// Counts an attempt with a card.
  /// - Parameter form: by which later tries of the same card by its code alone are found.
  /// - Returns: the bound that is passed; nil where none is.
  func admit(_ card: borrowing PAN, form: String, at now: Milliseconds) -> Bound? {
    let digest = Self.digest(card.digits, key)
    let bin = card.bin(digits: 8) ?? ""
    return state.withLock { state in
      if state.forms.count >= Self.most { state.forms = [:] }
      state.forms[form] = digest
      guard Self.count(digest, in: &state.cards, bounds.byCard, Self.hour, now) else {
        return .card
      }
      return Self.count(bin, in: &state.bins, bounds.byBIN, Self.minute, now) ? nil : .bin
    }
  }

  /// Counts an attempt with a card that is known by its token.
  ///
  /// - Parameters:
  ///   - form: of the attempt whose card is tried again; nil for one that was kept.
  ///   - new: of this attempt.
  func admit(token: String, form: String?, new: String, at now: Milliseconds) -> Bound? {
    let ofToken = Digest256.sha256(Array(token.utf8).rawSpan)
    let isAdmitted = state.withLock { state in
      let digest = form.flatMap { state.forms[$0] } ?? ofToken
      if state.forms.count >= Self.most { state.forms = [:] }
      state.forms[new] = digest
      return Self.count(digest, in: &state.cards, bounds.byCard, Self.hour, now)
    }
    return isAdmitted ? nil : .card
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
