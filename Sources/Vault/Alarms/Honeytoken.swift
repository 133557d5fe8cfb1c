package import AccessPolicy
import AuditLog
internal import Bytes
package import Cards
import Cryptography
package import Storage
import Synchronization

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
  init(
    merchant: UInt32, actor: String, note: FreeText, atMilliseconds now: UInt64
  ) throws {
    var random = try RandomPool()
    var tokens = TokenSequence(after: nil)
    token = try tokens.next(
      atMilliseconds: now, random: try random.next(), spread: try random.next())
    self.merchant = merchant
    self.actor = actor
    self.note = note.text
    createdMilliseconds = now
  }

  private init(token: Token, row: [UInt8]) throws(VaultError) {
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
  /// - Throws: ``VaultError/malformedRow``, `StorageError`.
  package static func all(
    in transaction: borrowing some StoreReading & ~Copyable
  ) throws -> [Honeytoken] {
    var found: [Honeytoken] = []
    try forEach(in: transaction) { token, row in
      found.append(try Honeytoken(token: token, row: row.array))
    }
    return found
  }

  /// The tokens of all of them, whatever else their rows say: a damaged note keeps no vault from
  /// starting.
  static func tokens(in transaction: borrowing some StoreReading & ~Copyable) throws -> [Token] {
    var found: [Token] = []
    try forEach(in: transaction) { token, _ in found.append(token) }
    return found
  }

  private static func forEach(
    in transaction: borrowing some StoreReading & ~Copyable,
    _ body: (Token, RawSpan) throws -> Void
  ) throws {
    try transaction.forEach(in: .meta, from: prefix.rawSpan) { key, row in
      let key = key.array
      guard key.starts(with: prefix) else { return false }
      // Nobody can name what is no token.
      if let token = Token(bytes: Array(key[prefix.count...]).rawSpan) { try body(token, row) }
      return true
    }
  }

  func save(in transaction: inout StoreWriteTransaction) throws {
    let row = TextRow.encode([
      Self.version, String(merchant), String(createdMilliseconds), actor, note,
    ])
    try transaction.put(key: Self.key(token).rawSpan, value: row.rawSpan, in: .meta)
  }

  /// The honeytoken `token`; nil where it is none.
  static func find(
    _ token: Token, in transaction: borrowing some StoreReading & ~Copyable
  ) throws -> Honeytoken? {
    let key = key(token)
    guard let row = try transaction.get(key.rawSpan, in: .meta) else { return nil }
    return try Honeytoken(token: token, row: row.array)
  }

  func remove(in transaction: inout StoreWriteTransaction) throws {
    try transaction.delete(Self.key(token).rawSpan, in: .meta)
  }

  private static func key(_ token: Token) -> [UInt8] {
    let bytes = token.bytes
    return prefix + bytes.indices.map { bytes[$0] }
  }

  /// The entry about it. The note stays in the log when the honeytoken is gone; it stands last.
  fileprivate func entry(_ operation: String, actor: String, merchant name: String?) -> AuditEntry {
    AuditEntry(
      actor: actor, operation: operation, merchant: name, token: token.text,
      outcome: AuditWord.Outcome.done, reason: note.isEmpty ? nil : "note=\(note)")
  }
}

extension Vault {
  /// Makes a honeytoken to be planted in the database of the merchant called `name`. A sealed vault
  /// does too.
  ///
  /// - Parameters:
  ///   - note: where it is planted; at most ``Honeytoken/longestNote`` bytes.
  ///   - actor: who asks, as entries name them.
  /// - Throws: ``VaultError/unknownMerchant(known:)``, ``VaultError/tooManyHoneytokens``,
  ///   `StorageError`.
  package func addHoneytoken(
    merchant name: String, note: FreeText, actor: String
  ) throws -> Honeytoken {
    let merchants = core.policies.current.merchants
    guard let merchant = merchants[name] else {
      throw VaultError.unknownMerchant(known: merchants.keys.sorted())
    }
    let honeytoken = try Honeytoken(
      merchant: merchant.number, actor: actor, note: note, atMilliseconds: core.now)
    try store.perform { [core] transaction in
      guard try Honeytoken.tokens(in: transaction).count < Honeytoken.most else {
        throw VaultError.tooManyHoneytokens
      }
      try honeytoken.save(in: &transaction)
      try core.record(
        honeytoken.entry(AuditWord.Operation.honeytokenAdd, actor: actor, merchant: name),
        in: &transaction)
    }
    // Nobody knows it before this returns.
    core.alarms.add(honeytoken: honeytoken.token.text)
    return honeytoken
  }

  /// Makes of a honeytoken a token that never existed, and nothing more.
  ///
  /// - Throws: ``VaultError/unknownHoneytoken``, `StorageError`.
  package func removeHoneytoken(_ token: Token, actor: String) throws -> Honeytoken {
    var removed: Honeytoken?
    try store.perform { [self, core] transaction in
      guard let honeytoken = try Honeytoken.find(token, in: transaction) else {
        throw VaultError.unknownHoneytoken
      }
      try honeytoken.remove(in: &transaction)
      try core.record(
        honeytoken.entry(
          AuditWord.Operation.honeytokenRemove, actor: actor,
          merchant: merchantName(number: honeytoken.merchant)),
        in: &transaction)
      removed = honeytoken
    }
    core.alarms.remove(honeytoken: token.text)
    guard let removed else { throw VaultError.unknownHoneytoken }
    return removed
  }

  /// The name of the merchant with this number; nil where the policy in force has none.
  package func merchantName(number: UInt32) -> String? {
    core.policies.current.merchant(number: number)?.name
  }
}

// MARK: - Alarms

extension Vault {
  /// Puts other alarm rules in force.
  package func update(alarms rules: [AlarmRule]) { core.alarms.update(rules: rules) }

  /// How many alarms each rule in force has raised since the start, in their order.
  package var alarmCounts: [(rule: String, raised: UInt64)] { core.alarms.counts }

  /// How many honeytokens are watched.
  package var honeytokenCount: Int { core.alarms.honeytokenCount }
}
