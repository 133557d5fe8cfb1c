import Cards
import Cryptography
import RecordFormat
import Storage

/// Finding a card by its number: what the index says is a hint, and what it does not say is no proof
/// before it has been compared with the records.
extension CardStore {
  /// The token of the merchant's card, where the index leads to one; a later expiry and a given preferred
  /// brand replace the stored ones.
  ///
  /// A hint is believed only when the record that it names opens to this very card. One that leads to
  /// another card is damage: two cards have two fingerprints.
  /// - Throws: ``CardStoreError/indexUnreadable``, after which the index is built anew;
  ///   ``CardStoreError/indexUnproven``, ``CardStoreError/recordDoesNotOpen``.
  func find(
    _ card: borrowing StoredCard, merchant: UInt32, under fingerprint: Digest256,
    in index: FingerprintIndex, _ transaction: inout StoreWriteTransaction
  ) throws(CardStoreError) -> StoredToken? {
    switch try index.find(fingerprint) {
    case .deleted: return nil
    case .nothing:
      try checkPlace(of: fingerprint, in: index, &transaction)
      return nil
    case .token(let hint):
      guard var known = try knownCard(hint, in: &transaction) else {
        // The card was deleted, and its entry has not gone; the damaged entry of another looks the same.
        guard index.file.index.isProven else { throw .indexUnproven }
        return nil
      }
      guard known.merchant == merchant, known.card.isDeduplicated,
        known.card.customer == card.customer, known.card.pan.isEqual(to: card.pan)
      else { throw index.file.index.isWrong() }
      return try renew(
        &known, of: hint, expiry: card.expiry, preferredBrand: card.preferredBrand,
        in: &transaction)
    }
  }

  /// Asks the entries beside the place of a fingerprint that has none whether they belong where they
  /// stand: in one of them, a bit of this very fingerprint may have flipped.
  private func checkPlace(
    of fingerprint: Digest256, in index: FingerprintIndex,
    _ transaction: inout StoreWriteTransaction
  ) throws(CardStoreError) {
    guard !index.file.index.isProven else { return }
    for entry in try index.file.neighbours(of: fingerprint) {
      do throws(CardStoreError) {
        // Of a card that was deleted, the entry may be left.
        guard let known = try knownCard(entry.token, in: &transaction) else { continue }
        let own = try cipher.fingerprint(
          known.card.pan, merchant: known.merchant, customer: known.card.customer,
          under: index.key)
        guard known.card.isDeduplicated, own == entry.fingerprint else {
          throw index.file.index.isWrong()
        }
      } catch {
        // A record that is damaged says nothing of its entry.
        guard error == .recordDoesNotOpen else { throw error }
      }
    }
  }
}

extension StoreIndex {
  /// The error of who has found that it does not say what the records do. From now on nobody asks it, and
  /// it is built anew.
  fileprivate func isWrong() -> CardStoreError {
    condemn("an entry leads to another card than its own")
    return .indexUnreadable
  }
}
