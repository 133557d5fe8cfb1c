package import AccessPolicy
import AuditLog
package import Cards
import Ledgers
import Storage
import VaultCore

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
    merchant name: String, note: FreeText, actor: String
  ) throws(VaultError) -> Honeytoken {
    let merchants = books.policies.current.merchants
    guard let merchant = merchants[name] else {
      throw .unknownMerchant(known: merchants.keys.sorted())
    }
    let honeytoken = try Honeytoken(
      merchant: merchant.number, actor: actor, note: note, atMilliseconds: books.now)
    try store.perform { [books] (transaction) throws(VaultError) in
      guard try Honeytoken.tokens(in: transaction).count < Honeytoken.most else {
        throw .tooManyHoneytokens
      }
      try honeytoken.save(in: &transaction)
      try books.record(
        honeytoken.entry(.honeytokenAdd, actor: actor, merchant: name),
        in: &transaction)
    }
    // Nobody knows it before this returns.
    books.alarms.add(honeytoken: honeytoken.token.text)
    return honeytoken
  }

  /// Makes of a honeytoken a token that never existed, and nothing more.
  ///
  /// - Throws: ``VaultError/unknownHoneytoken``, `StorageError`.
  package func removeHoneytoken(_ token: Token, actor: String) throws(VaultError) -> Honeytoken {
    var removed: Honeytoken?
    try store.perform { [self, books] (transaction) throws(VaultError) in
      guard let honeytoken = try Honeytoken.find(token, in: transaction) else {
        throw .unknownHoneytoken
      }
      try honeytoken.remove(in: &transaction)
      try books.record(
        honeytoken.entry(
          .honeytokenRemove, actor: actor,
          merchant: merchantName(number: honeytoken.merchant)),
        in: &transaction)
      removed = honeytoken
    }
    books.alarms.remove(honeytoken: token.text)
    guard let removed else { throw .unknownHoneytoken }
    return removed
  }

  /// The name of the merchant with this number; nil where the policy in force has none.
  package func merchantName(number: UInt32) -> String? {
    books.policies.current.merchant(number: number)?.name
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
