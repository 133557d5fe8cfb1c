import AccessPolicy
package import AuditLog
package import Cards
package import Ledgers
import Storage
package import VaultCore

extension VaultManager {
  /// Makes a honeytoken to be planted in the database of the merchant called `name`. A sealed vault
  /// does too.
  ///
  /// - Parameters:
  ///   - note: where it is planted; at most ``Honeytoken/longestNote`` bytes.
  ///   - actor: who asks, as entries name them.
  /// - Throws: ``VaultError/unknownMerchant(known:)``, ``VaultError/tooManyHoneytokens``,
  ///   `StorageError`.
  package func addHoneytoken(
    merchant name: String, note: FreeText, because reason: KeyReason = .none, actor: AuditActor
  ) throws(VaultError) -> Honeytoken {
    let merchants = policy().merchants
    guard let merchant = merchants[name] else {
      throw .unknownMerchant(known: merchants.keys.sorted())
    }
    let honeytoken = try onLedger(
      Honeytoken(
        merchant: merchant.number, actor: actor.name, note: note.text, atMilliseconds: books.now))
    try store.perform { [books] (transaction) throws(VaultError) in
      guard try onLedger(Honeytoken.tokens(in: transaction)).count < Honeytoken.most else {
        throw .tooManyHoneytokens
      }
      try onLedger(honeytoken.save(in: &transaction))
      try books.record(
        honeytoken.entry(
          .honeytokenAdd, actor: actor, merchant: name, words: reason.words),
        in: &transaction)
    }
    // Nobody knows it before this returns.
    books.alarms.add(honeytoken: honeytoken.token.text)
    return honeytoken
  }

  /// Makes of a honeytoken a token that never existed, and nothing more.
  ///
  /// - Throws: ``VaultError/unknownHoneytoken``, `StorageError`.
  package func removeHoneytoken(
    _ token: Token, because reason: KeyReason = .none, actor: AuditActor
  ) throws(VaultError) -> Honeytoken {
    let removed = try store.perform { [self, books] (transaction) throws(VaultError) in
      guard let honeytoken = try onLedger(Honeytoken.find(token, in: transaction)) else {
        throw .unknownHoneytoken
      }
      try onLedger(honeytoken.remove(in: &transaction))
      try books.record(
        honeytoken.entry(
          .honeytokenRemove, actor: actor,
          merchant: merchantName(number: honeytoken.merchant), words: reason.words),
        in: &transaction)
      return honeytoken
    }
    books.alarms.remove(honeytoken: token.text)
    return removed
  }

  /// The name of the merchant with this number; nil where the policy in force has none.
  package func merchantName(number: UInt32) -> String? {
    policy().merchant(number: number)?.name
  }
}

// MARK: - Alarms

extension VaultManager {
  /// Puts other alarm rules in force.
  package func update(alarms rules: [AlarmRule]) { books.alarms.update(rules: rules) }

  /// How many alarms each rule in force has raised since the start, in their order.
  package var alarmCounts: [(rule: String, raised: UInt64)] { books.alarms.counts }

  /// How many honeytokens are watched.
  package var honeytokenCount: Int { books.alarms.honeytokenCount }
}
