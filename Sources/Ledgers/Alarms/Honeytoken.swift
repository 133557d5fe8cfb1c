package import AuditLog
import Bytes
package import Cards
import Cryptography
package import Storage

/// A token that no card is behind: bait, planted in a shop's database. Nobody has a reason to name it,
/// so whoever does has read that database.
///
/// To clients it is a token that never existed. It lies in no table of cards, so that every path of a
/// request meets nothing, in the same time.
///
/// Row of `meta`: `honeytoken/` ‖ token(16) → a ``TextRow`` of version, merchant number, Unix ms, who
/// made it, note.
package struct Honeytoken: Equatable, Sendable {
  /// How many there are at most.
  package static let most = 10_000
  /// How many bytes a note has at most.
  package static let longestNote = 128

  private static let version = "1"
  private static let texts = 5
  private static let prefix = Array("honeytoken/".utf8)

  package let token: Token
  /// The number of the merchant in whose database it is planted.
  package let merchant: UInt32
  /// When it was made, in Unix milliseconds.
  package let createdMilliseconds: UInt64
  /// Who made it, as entries name them.
  package let actor: String
  /// Where it is planted; empty where nobody said.
  package let note: String

  /// A fresh one.
  ///
  /// Made as every token is, and beside the sequence that cards get theirs from, which a sealed vault
  /// does not have: what tells the two apart is 62 random bits.
  package init(
    merchant: UInt32, actor: String, note: String, atMilliseconds now: UInt64
  ) throws(LedgerError) {
    var random = try onCryptography(RandomPool())
    var tokens = IdentifierSequence(after: nil)
    let (number, spread) = (try onCryptography(random.next()), try onCryptography(random.next()))
    do throws(CardError) {
      token = Token(try tokens.next(atMilliseconds: now, random: number, spread: spread))
    } catch { throw .identifiersExhausted }
    self.merchant = merchant
    self.actor = actor
    self.note = note
    createdMilliseconds = now
  }

  private init(token: Token, row: [UInt8]) throws(LedgerError) {
    let texts = try TextRow.decode(row)
    guard texts.count == Self.texts, texts[0] == Self.version, let merchant = UInt32(texts[1]),
      let created = UInt64(texts[2])
    else { throw .malformedRow }
    self.token = token
    self.merchant = merchant
    createdMilliseconds = created
    actor = texts[3]
    note = texts[4]
  }

  /// Every honeytoken, in the order in which they were made.
  ///
  /// - Throws: ``LedgerError/malformedRow``, `StorageError`.
  package static func all(
    in transaction: borrowing some StoreReading & ~Copyable
  ) throws(LedgerError) -> [Honeytoken] {
    var found: [Honeytoken] = []
    try forEach(in: transaction) { (token, row) throws(LedgerError) in
      found.append(try Honeytoken(token: token, row: row.array))
    }
    return found
  }

  /// The tokens of all of them, whatever else their rows say: a damaged note keeps no vault from
  /// starting.
  package static func tokens(
    in transaction: borrowing some StoreReading & ~Copyable
  ) throws(LedgerError) -> [Token] {
    var found: [Token] = []
    try forEach(in: transaction) { (token, _) throws(LedgerError) in found.append(token) }
    return found
  }

  private static func forEach(
    in transaction: borrowing some StoreReading & ~Copyable,
    _ body: (Token, RawSpan) throws(LedgerError) -> Void
  ) throws(LedgerError) {
    try transaction.forEach(in: .meta, from: prefix.rawSpan) { (key, row) throws(LedgerError) in
      guard key.starts(with: prefix) else { return false }
      // Nobody can name what is no token.
      if let token = Token(bytes: key.extracting(prefix.count..<key.byteCount)) {
        try body(token, row)
      }
      return true
    }
  }

  package func save(in transaction: inout StoreWriteTransaction) throws(LedgerError) {
    let row = TextRow.encode([
      Self.version, String(merchant), String(createdMilliseconds), actor, note,
    ])
    try onStore(transaction.put(key: Self.key(token).rawSpan, value: row.rawSpan, in: .meta))
  }

  /// The honeytoken `token`; nil where it is none.
  package static func find(
    _ token: Token, in transaction: borrowing some StoreReading & ~Copyable
  ) throws(LedgerError) -> Honeytoken? {
    let key = key(token)
    let row: [UInt8]?
    do throws(StorageError) { row = try transaction.get(key.rawSpan, in: .meta)?.array } catch {
      throw .store(error)
    }
    return try row.map { (row) throws(LedgerError) in try Honeytoken(token: token, row: row) }
  }

  package func remove(in transaction: inout StoreWriteTransaction) throws(LedgerError) {
    try onStore(transaction.delete(Self.key(token).rawSpan, in: .meta))
  }

  private static func key(_ token: Token) -> [UInt8] {
    let bytes = token.bytes
    return prefix + bytes.indices.map { bytes[$0] }
  }

  /// The entry about it. The note stays in the log when the honeytoken is gone; it stands last.
  package func entry(
    _ operation: AuditOperation, actor: AuditActor, merchant name: String?, words: String
  ) -> AuditEntry {
    let noted = note.isEmpty ? words : words + " note=\(note)"
    return AuditEntry(
      actor: actor, operation: operation, merchant: name, token: token.text,
      outcome: .done, reason: noted.isEmpty ? nil : String(noted.dropFirst()))
  }
}
