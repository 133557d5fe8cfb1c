internal import Bytes
package import Cards
package import Keyring
package import RecordFormat
package import SecretMemory
package import Storage

/// What a look at every record found.
package struct CardVerification: Sendable {
  /// Records in the store.
  package var records = 0
  /// Records that do not open, the first ones by token. One under a key that is no token has none.
  package var damaged: [Token] = []
  /// How many do not open.
  package var damagedCount = 0
  /// Deduplicated cards whose fingerprint the index does not lead to them.
  package var missingFromIndex = 0
  /// Records under each data key, as found.
  package var found: [KeyIdentifier: UInt64] = [:]
  /// Records under each data key, as the store counts them.
  package var counted: [KeyIdentifier: UInt64] = [:]

  /// Whether nothing is wrong with the records. A gap in the index is cured by the next
  /// start, and in its file by the next flush.
  package var isSound: Bool { damagedCount == 0 && found == counted }
}

/// Opens every record and compares it with the counts and the index.
///
/// It reads in short transactions; with a service that goes on writing, counts are compared only when
/// nothing was written meanwhile, so run it on a store that rests when the counts matter.
package struct CardVerifier {
  /// Damaged tokens that are named.
  package static let mostNamedTokens = 100
  private static let recordsPerRead = 1_000

  private let store: Store
  private let cipher: CardCipher

  /// A verifier with contexts of its own, for the calling thread.
  package init(store: Store, keyring: Keyring, slots: SecretPool) throws(CardStoreError) {
    self.store = store
    cipher = try CardCipher(keyring: keyring, slots: slots)
  }

  /// How many cards stand under each data key, as the store keeps count.
  package static func cardCounts(
    in store: Store
  ) throws(CardStoreError) -> [KeyIdentifier: UInt64] {
    try keyed(store.read { (rows) throws(KeyringError) in try KeyTally.read(.cards, rows) })
  }

  /// Looks at every record.
  ///
  /// - Parameters:
  ///   - isIndexCurrent: whether the index file holds every fingerprint (a store that is not served);
  ///     else the index is left out.
  ///   - progress: told how many records have been looked at.
  package func verify(
    isIndexCurrent: Bool, progress: (Int) -> Void = { _ in }
  ) throws(CardStoreError) -> CardVerification {
    // While fingerprints are made anew, no table holds all of them.
    let isIndexCurrent = isIndexCurrent && !cipher.isReplacingFingerprints
    // A copy has no index to open.
    let file =
      isIndexCurrent
      ? try IndexFile(store: store, fingerprintKey: cipher.activeFingerprintKey) : nil
    var result = CardVerification()
    var position: [UInt8]?
    repeat {
      position = try read(after: position, file: file, into: &result)
      progress(result.records)
    } while position != nil
    result.counted = try Self.cardCounts(in: store).filter { $0.value != 0 }
    return result
  }

  private func read(
    after position: [UInt8]?, file: IndexFile?, into result: inout CardVerification
  ) throws(CardStoreError) -> [UInt8]? {
    var last: [UInt8]?
    var count = 0
    try store.read { (transaction) throws(CardStoreError) in
      let start = position ?? []
      try transaction.forEach(
        in: .cards, from: position == nil ? nil : start.rawSpan
      ) { (key, record) throws(CardStoreError) in
        let here = key.array
        if here == position { return true }
        try check(key, record, file: file, into: &result)
        last = here
        count += 1
        return count < Self.recordsPerRead
      }
    }
    return last
  }

  private func check(
    _ key: RawSpan, _ record: RawSpan, file: IndexFile?, into result: inout CardVerification
  ) throws(CardStoreError) {
    result.records += 1
    guard let token = Token(bytes: key) else {
      result.damagedCount += 1
      return
    }
    do throws(CardStoreError) {
      let card = try cipher.open(record, token: token)
      let header = try CardStore.header(of: record)
      result.found[header.keyIdentifier, default: 0] += 1
      guard card.isDeduplicated, let file else { return }
      let fingerprint = try cipher.fingerprint(
        card.pan, merchant: header.merchant, customer: card.customer)
      if try file.token(for: fingerprint) != token { result.missingFromIndex += 1 }
    } catch {
      guard error == .recordDoesNotOpen else { throw error }
      result.damagedCount += 1
      if result.damaged.count < Self.mostNamedTokens { result.damaged.append(token) }
    }
  }
}
