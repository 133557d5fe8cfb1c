package import AccessPolicy
package import AuditLog
package import Keyring
package import RecordFormat
import Storage
package import VaultCore

/// What operators and auditors may do with a vault: keys, custody, backups, the archive, honeytokens.
///
/// Its functions wait for the disk: not for an event loop or the writer's thread.
package final class VaultManager: Sendable {
  /// For how long custodians' shares wait for the others, where nothing else is said.
  package static let standardShareMinutes = 15

  package let vault: Vault
  let policy: @Sendable () -> Policy
  let custody: Custody
  let upkeepGate = StoreUpkeep.Gate()
  let fingerprints: FingerprintTask
  let destructions: DestructionTask
  let reencryption: ReencryptionTask

  /// What keys are judged by.
  package var rules: KeyRules { vault.settings.rules }
  var store: Store { vault.store }
  var books: Books { vault.books }

  /// - Parameters:
  ///   - shareMinutes: for how long custodians' shares wait for the others.
  ///   - policy: the policy in force.
  ///   - eraseKeyEncryptionKey: removes a KEK that is being destroyed from its source.
  package init(
    _ vault: Vault, shareMinutes: Int = VaultManager.standardShareMinutes,
    policy: @escaping @Sendable () -> Policy,
    eraseKeyEncryptionKey: @escaping @Sendable (KeyringEntry) throws(KeyringError) -> Void
  ) {
    self.vault = vault
    self.policy = policy
    custody = Custody(limitMinutes: shareMinutes) { vault.acceptsShares }
    fingerprints = FingerprintTask(vault)
    reencryption = ReencryptionTask(vault)
    destructions = DestructionTask(
      vault, StoreUpkeep(of: vault, gate: upkeepGate), erase: eraseKeyEncryptionKey)
  }

  /// Opens the sealed vault, see `Vault.unseal(with:actor:tasks:progress:)`, and goes on with work on
  /// keys that was not at its end.
  package func unseal(
    with keyring: Keyring, actor: String?, progress: (Int) -> Void = { _ in }
  ) throws(VaultError) {
    destructions.tryAgain()
    try vault.unseal(
      with: keyring, actor: actor, tasks: [fingerprints, destructions, reencryption],
      progress: progress)
    custody.vaultWasOpened()
  }

  /// Closes the keyring, see `Vault.seal(actor:closing:)`.
  package func seal(actor: String) throws(VaultError) {
    try vault.seal(actor: actor, closing: custody.vaultWasSealed)
  }

  /// Writes what is due, see `Vault.tick()`, and forgets shares that have waited too long. Call it about
  /// once a second.
  package func tick() {
    expireShares()
    vault.tick()
  }

  /// See `Vault.lookAtRoom()`.
  package func lookAtRoom() { vault.lookAtRoom() }

  /// Whether the keyring is closed.
  package var isSealed: Bool { vault.isSealed }

  /// See `Vault.signCheckpoint()`.
  package func signCheckpoint() throws(VaultError) -> SignedCheckpoint {
    try vault.signCheckpoint()
  }

  /// How far work beside requests is.
  package var keyWork: BackgroundProgress {
    (try? vault.opened().work.progress) ?? BackgroundProgress()
  }

  /// The keys that the vault works with now.
  package var keyring: Keyring { get throws(VaultError) { try vault.keyring } }
}
