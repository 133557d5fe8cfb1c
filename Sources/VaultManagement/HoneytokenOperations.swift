package import AccessPolicy
import AuditLog
package import Cards
import Ledgers
import Storage
import VaultCore

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
        honeytoken.entry(.honeytokenAdd, actor: actor, merchant: name),
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
          .honeytokenRemove, actor: actor,
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
