import Cards
import Cryptography
import Keyring
import RecordFormat
import SecretMemory
import Storage
import Synchronization

/// What bounds guesses at the number behind a token.
package struct DigitLimits: Equatable, Sendable {
  /// Numbers with the same first and last digits that may be new to a merchant within sixty minutes;
  /// 0 does not count.
  package var perHour: Int
  /// Pairs of first and last digits that are counted, over all merchants.
  package var mostPairs: Int

  package init(perHour: Int = 10, mostPairs: Int = 1 << 20) {
    self.perHour = perHour
    self.mostPairs = mostPairs
  }
}

/// What metrics tell of ``SameDigits``. From any thread.
package final class DigitFigures: Sendable {
  private let countedPairs = Atomic<Int>(0)
  private let forgottenPairs = Atomic<UInt64>(0)
  private let refusedRequests = Atomic<UInt64>(0)

  /// Pairs that are counted now.
  package var pairs: Int { countedPairs.load(ordering: .relaxed) }
  /// Pairs that were forgotten at the bound.
  package var forgotten: UInt64 { forgottenPairs.load(ordering: .relaxed) }
  /// Requests that were refused.
  package var refused: UInt64 { refusedRequests.load(ordering: .relaxed) }

  func addRefused() { refusedRequests.add(1, ordering: .relaxed) }

  func set(_ counts: DigitCounts) {
    countedPairs.store(counts.pairs, ordering: .relaxed)
    forgottenPairs.store(counts.forgotten, ordering: .relaxed)
  }
}

/// Bounds what a merchant's client can learn by guessing: a vault that deduplicates says of each number
/// whether it is known, and a token's view leaves 100,000 numbers to try.
///
/// For each merchant, numbers that were new to it are counted by the digits that the view shows of them,
/// whatever their customer. Once a pair of digits stands at the limit, every number with these digits is
/// refused before it is looked up, so that a known one and an unknown one get the same answer in the
/// same time. Deleting a card lowers no count.
///
/// Digests are SipHash-2-4 under a key that is the first 16 bytes of HMAC-SHA-256 of
/// `"cadenas/digits-key/v1"` under a fingerprint key:
/// - of a pair: `merchant number(4) ‖ first digits ‖ last four`, what the view shows;
/// - of a number: its digits, cut to four bytes. It tells numbers of one pair apart, and stays in
///   memory.
///
/// Confined to the writer thread. Pairs are kept in the store with the log's checkpoints, see
/// ``DigitRows``, so that a restart forgets a second of them at most.
final class SameDigits {
  private static let keyDomain: StaticString = "cadenas/digits-key/v1"

  /// The digits of one request, and whether they may be looked up.
  struct Look {
    /// The digest of the pair.
    let pair: UInt64
    /// In how many seconds to come again; nil where the number may be looked up.
    let waitSeconds: Int?
  }

  private let clock: Clock
  private let figures: DigitFigures
  private let key: KeyIdentifier
  private let hash: ShortHash
  private var counts: DigitCounts
  /// Pairs of numbers that no row of the store has yet, in the order of time.
  private var unkept: [UInt64] = []
  /// How many of ``unkept`` the open batch has written.
  private var writtenByBatch = 0

  /// Goes on with the counts in `store`; nil where the limits count nothing.
  init?(
    _ limits: DigitLimits, keyring: Keyring, store: Store, clock: Clock, figures: DigitFigures
  ) throws {
    guard limits.perHour > 0 else { return nil }
    self.clock = clock
    self.figures = figures
    let kept = try store.read { try DigitRows.all(in: $0, at: Self.wallSeconds(clock)) }
    // One key for as long as anything is counted under it; a rotation does not forget.
    let last = kept.last.flatMap { keyring.fingerprintKey($0.key) }
    let source = last ?? keyring.activeFingerprintKey
    key = source.identifier
    var root = try source.makeAuthenticator()
    root.begin()
    root.update(Self.keyDomain)
    let secret = try root.finish().withBytes { bytes throws(SecretMemoryError) in
      try SecretBytes(copying: bytes.extracting(0..<ShortHash.keySize))
    }
    hash = try ShortHash(key: secret)
    counts = DigitCounts(most: limits.perHour, mostPairs: limits.mostPairs)
    let now = Self.seconds(clock)
    // Which numbers they were is not known any more, so each counts as one of its own.
    var number: UInt32 = 0
    for row in kept where row.key == key {
      for pair in row.pairs {
        counts.note(number, for: pair, at: now - min(row.ageSeconds, now))
        number &+= 1
      }
    }
    figures.set(counts)
  }

  /// Whether a number with these digits may be looked up for the merchant.
  func look(at pan: borrowing PAN, merchant: UInt32) -> Look {
    let pair = pairDigest(of: pan, merchant: merchant)
    let wait = counts.wait(for: pair, at: Self.seconds(clock))
    if wait != nil { figures.addRefused() }
    return Look(pair: pair, waitSeconds: wait)
  }

  /// Counts a number that was new to the merchant.
  ///
  /// - Parameter pair: what ``look(at:merchant:)`` said of it.
  func note(_ pan: borrowing PAN, pair: UInt64) {
    let number = UInt32(truncatingIfNeeded: hash.digest(of: pan.digits))
    guard counts.note(number, for: pair, at: Self.seconds(clock)) else { return }
    unkept.append(pair)
    figures.set(counts)
  }

  /// Writes what no row has yet, and removes rows whose time is over.
  func keep(in transaction: inout StoreWriteTransaction) throws {
    counts.endOld(at: Self.seconds(clock))
    figures.set(counts)
    let now = Self.wallSeconds(clock)
    try DigitRows.removeOld(at: now, in: &transaction)
    guard unkept.count > writtenByBatch else { return }
    try DigitRows.write(
      Array(unkept[writtenByBatch...]), key: key, at: now, in: &transaction)
    writtenByBatch = unkept.count
  }

  func batchDidCommit() {
    guard writtenByBatch > 0 else { return }
    unkept.removeFirst(writtenByBatch)
    writtenByBatch = 0
  }

  func batchDidAbort() { writtenByBatch = 0 }

  private func pairDigest(of pan: borrowing PAN, merchant: UInt32) -> UInt64 {
    let digits = pan.digits
    var message = InlineArray<14, UInt8>(repeating: 0)
    for index in 0..<4 { message[index] = UInt8(truncatingIfNeeded: merchant >> (24 - 8 * index)) }
    var count = 4
    for range in [0..<pan.shownFirstDigits, pan.count - 4..<pan.count] {
      for index in range {
        message[count] = digits.byte(index)
        count += 1
      }
    }
    return unsafe hash.digest(of: message.span.bytes.extracting(0..<count))
  }

  /// A clock that begins late enough for a number of an hour ago.
  private static func seconds(_ clock: Clock) -> UInt32 {
    UInt32(truncatingIfNeeded: clock.monotonicNanoseconds() / 1_000_000_000)
      &+ DigitCounts.windowSeconds
  }

  private static func wallSeconds(_ clock: Clock) -> UInt64 {
    UInt64(clamping: clock.milliseconds() / 1_000)
  }
}
