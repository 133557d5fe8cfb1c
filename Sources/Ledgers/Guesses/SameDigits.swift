import Bytes
package import Cards
import Cryptography
package import Keyring
import RecordFormat
import SecretMemory
package import Storage
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

  /// Figures of nothing yet.
  package init() {}

  /// Pairs that are counted now.
  package var pairs: Int { countedPairs.load(ordering: .relaxed) }
  /// Pairs that were forgotten at the bound.
  package var forgotten: UInt64 { forgottenPairs.load(ordering: .relaxed) }
  /// Requests that were refused.
  package var refused: UInt64 { refusedRequests.load(ordering: .relaxed) }

  func addRefused() { refusedRequests.add(1, ordering: .relaxed) }

  func set(pairs: Int, forgotten: UInt64) {
    countedPairs.store(pairs, ordering: .relaxed)
    forgottenPairs.store(forgotten, ordering: .relaxed)
  }
}

/// Bounds what a merchant's client can learn by guessing: a vault that deduplicates says of each number
/// whether it is known, an idempotency key says of each whether it is the one that came with the key
/// first, and a token's view leaves 100,000 numbers to try.
///
/// For each merchant, numbers that an answer told to be other ones are counted by the digits that the
/// view shows of them, whatever their customer. Once a pair of digits stands at the limit, every
/// number with these digits is refused before it is looked up, so that a known one and an unknown one
/// get the same answer in the same time. Deleting a card lowers no count.
///
/// A view shows six first digits, or eight to a merchant that is shown as many. A number is refused as well
/// while the pair that the other setting would show of it stands at the limit, so that a change of the
/// setting does not begin at nothing: what was counted before it holds until it is an hour old.
///
/// Digests are SipHash-2-4 under a key that is the first 16 bytes of HMAC-SHA-256 of
/// `"cadenas/digits-key/v1"` under a fingerprint key:
/// - of a pair: `merchant number(4) ‖ first digits ‖ last four`, what the view shows;
/// - of a number: its digits, cut to four bytes. It tells numbers of one pair apart, and stays in
///   memory.
///
/// Confined to the writer thread. Pairs are kept in the store with the log's checkpoints, see
/// ``DigitRows``, so that a process that dies takes the last second of them with it.
package final class SameDigits {
  private static let keyDomain: StaticString = "cadenas/digits-key/v1"

  /// The digits of one request, and whether they may be looked up.
  package struct Look {
    /// The digest of the pair.
    fileprivate let pair: UInt64
    /// When it was looked at, by the clock of the counts.
    fileprivate let second: UInt32
    /// In how many seconds to come again; nil where the number may be looked up.
    package let waitSeconds: Int?
  }

  private let clock: Clock
  private let figures: DigitFigures
  private let key: KeyIdentifier
  private let hash: ShortHash
  private var counts: DigitCounts
  /// What no row of the store has yet.
  private var unkept = Unkept()
  /// What the open batch has written.
  private var writtenByBatch = Unkept()

  /// Goes on with the counts in `store`; nil where the limits count nothing.
  package init?(
    _ limits: DigitLimits, keyring: Keyring, store: Store, clock: Clock, figures: DigitFigures
  ) throws(LedgerError) {
    guard limits.perHour > 0 else { return nil }
    self.clock = clock
    self.figures = figures
    let newestKey = try store.read { (transaction) throws(LedgerError) in
      try DigitRows.newestKey(in: transaction)
    }
    // One key for as long as anything is counted under it; a rotation does not forget.
    let source =
      newestKey.flatMap { keyring.fingerprintKey($0) } ?? keyring.activeFingerprintKey
    key = source.identifier
    var root = try onCryptography(source.makeAuthenticator())
    root.begin()
    root.update(Self.keyDomain)
    let digest = root.finish()
    let secret: SecretBytes
    do throws(SecretMemoryError) {
      secret = try digest.withBytes { bytes throws(SecretMemoryError) in
        try SecretBytes(copying: bytes.extracting(0..<ShortHash.keySize))
      }
    } catch { throw .keyring(.systemUnavailable) }
    do throws(CryptographyError) { hash = try ShortHash(key: secret) } catch {
      throw .cryptography(error)
    }
    counts = try Self.counts(limits, store: store, key: key, clock: clock)
    figures.set(pairs: counts.pairs, forgotten: counts.forgotten)
  }

  /// Whether a number with these digits may be looked up for the merchant.
  ///
  /// - Parameter binDigits: how many first digits the merchant is shown, 6 or 8.
  package func look(at pan: borrowing PAN, merchant: UInt32, binDigits: Int) -> Look {
    let shown = pan.shownFirstDigits(of: binDigits)
    let other = pan.shownFirstDigits(of: binDigits == 6 ? 8 : 6)
    let pair = pairDigest(of: pan, shown: shown, merchant: merchant)
    let now = Self.seconds(clock)
    var wait = counts.wait(for: pair, at: now)
    if wait == nil, other != shown {
      wait = counts.wait(for: pairDigest(of: pan, shown: other, merchant: merchant), at: now)
    }
    if wait != nil { figures.addRefused() }
    return Look(pair: pair, second: now, waitSeconds: wait)
  }

  /// Counts a number that was told to be another one than the merchant has.
  ///
  /// - Parameter look: what ``look(at:merchant:binDigits:)`` said of it.
  package func note(_ pan: borrowing PAN, _ look: Look) {
    let number = UInt32(truncatingIfNeeded: hash.digest(of: pan.digits))
    let pair = look.pair
    switch counts.note(number, for: pair, at: look.second) {
    case 0: return
    // Where one number is the limit, it is all that a restart must not forget.
    case 1: remember(pair, counts.most == 1 ? .several : .single)
    case 2:
      remember(pair, .several)
      remember(pair, .several)
    default: remember(pair, .several)
    }
    figures.set(pairs: counts.pairs, forgotten: counts.forgotten)
  }

  private func remember(_ pair: UInt64, _ kind: DigitRows.Kind) {
    if unkept[kind].count < kind.mostPairs { unkept[kind].append(pair) }
  }

  /// Writes what no row has yet.
  package func keep(in transaction: inout StoreWriteTransaction) throws(LedgerError) {
    counts.endOld(at: Self.seconds(clock))
    figures.set(pairs: counts.pairs, forgotten: counts.forgotten)
    for kind in DigitRows.Kind.allCases where !unkept[kind].isEmpty {
      try DigitRows.write(
        unkept[kind], kind, key: key, at: Self.wallSeconds(clock), in: &transaction)
      writtenByBatch[kind] += unkept[kind]
      unkept[kind] = []
    }
  }

  package func batchDidCommit() { writtenByBatch = Unkept() }

  package func batchDidAbort() {
    for kind in DigitRows.Kind.allCases where !writtenByBatch[kind].isEmpty {
      unkept[kind] = Array((writtenByBatch[kind] + unkept[kind]).prefix(kind.mostPairs))
    }
    writtenByBatch = Unkept()
  }

  /// The counts of the rows in the store. Which numbers they were is not known any more, so each
  /// counts as one of its own.
  private static func counts(
    _ limits: DigitLimits, store: Store, key: KeyIdentifier, clock: Clock
  ) throws(LedgerError) -> DigitCounts {
    var counts = DigitCounts(most: limits.perHour, mostPairs: limits.mostPairs)
    let now = seconds(clock)
    let wall = wallSeconds(clock)
    var number: UInt32 = 0
    try store.read { (transaction) throws(LedgerError) in
      for kind in DigitRows.Kind.allCases {
        try DigitRows.forEach(kind, under: key, at: wall, in: transaction) { pair, age in
          // A pair that has several numbers may have a row of the time when it had one.
          guard kind == .several || !counts.knows(pair) else { return }
          counts.note(number, for: pair, at: now - min(age, now))
          number &+= 1
        }
      }
    }
    return counts
  }

  private func pairDigest(of pan: borrowing PAN, shown: Int, merchant: UInt32) -> UInt64 {
    let digits = pan.digits
    var message = InlineArray<16, UInt8>(repeating: 0)
    for index in 0..<4 { message[index] = UInt8(truncatingIfNeeded: merchant >> (24 - 8 * index)) }
    var count = 4
    for range in [0..<shown, pan.count - 4..<pan.count] {
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

/// Pairs by kind.
private struct Unkept {
  private var several: [UInt64] = []
  private var single: [UInt64] = []

  subscript(kind: DigitRows.Kind) -> [UInt64] {
    get {
      switch kind {
      case .several: several
      case .single: single
      }
    }
    _modify {
      switch kind {
      case .several: yield &several
      case .single: yield &single
      }
    }
  }
}
