internal import Bytes
package import Cards
import Keyring
import RecordFormat
package import Storage

/// What one piece of a re-encryption came to.
package struct ReencryptionStep: Equatable, Sendable {
  /// Records that were sealed anew.
  package var moved = 0
  /// Records that do not open, and stay as they are.
  package var damaged = 0
  /// The last token that was looked at; nil where the end was reached.
  package var position: Token?
}

extension CardStore {
  /// Records that one step looks at, at most, for each that it may move.
  private static let looksPerMove = 16

  /// Seals cards after `position` that stand under another key anew, under the active one.
  ///
  /// - Parameter limit: cards that are moved at most.
  package func reencrypt(
    after position: Token?, limit: Int, in transaction: inout StoreWriteTransaction
  ) throws(CardStoreError) -> ReencryptionStep {
    var step = ReencryptionStep()
    for token in try candidates(after: position, limit: limit, in: &transaction, &step.position) {
      do throws(CardStoreError) {
        try move(token, in: &transaction)
        step.moved += 1
      } catch {
        guard error == .recordDoesNotOpen else { throw error }
        step.damaged += 1
      }
    }
    return step
  }

  /// The tokens after `position` whose records are under another key than the active one.
  private func candidates(
    after position: Token?, limit: Int, in transaction: inout StoreWriteTransaction,
    _ last: inout Token?
  ) throws(CardStoreError) -> [Token] {
    var found: [Token] = []
    var looked = 0
    let start = position?.array ?? []
    let active = cipher.activeKey
    last = nil
    try transaction.forEach(
      in: .cards, from: position == nil ? nil : start.rawSpan
    ) { (key, record) throws(CardStoreError) in
      if key.isEqual(to: start) { return true }
      // The next step begins after the last record of this one.
      guard found.count < limit, looked < limit * Self.looksPerMove else { return false }
      looked += 1
      if let token = Token(bytes: key) {
        last = token
        let header = try? CardRecordHeader(of: record)
        if header?.keyIdentifier != active { found.append(token) }
      }
      return true
    }
    if found.count < limit, looked < limit * Self.looksPerMove { last = nil }
    return found
  }

  private func move(
    _ token: Token, in transaction: inout StoreWriteTransaction
  ) throws(CardStoreError) {
    guard let known = try knownCard(token, in: &transaction) else { return }
    try write(known.card, token: token, merchant: known.merchant, in: &transaction)
    countMove(from: known.key)
  }
}
