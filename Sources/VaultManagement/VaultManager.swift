package import AccessPolicy
package import AuditLog
package import Keyring
package import RecordFormat
package import Storage
package import VaultCore

/// What operators and auditors may do with a vault: keys, custody, backups, the archive, honeytokens.
///
/// Its functions wait for the disk: not for an event loop or the writer's thread.
package final class VaultManager: Sendable {
  /// For how long custodians' shares wait for the others, where nothing else is said.
  package static let standardShareMinutes = 15

  package let vault: Vault
  let policy: @Sendable () -> Policy
  /// Whether the ceremonies that are held from now on ask for shares of different accounts.
  let distinctAccounts: Bool
  let custody: Custody
  let upkeepGate = StoreUpkeep.Gate()
  let fingerprints: FingerprintTask
  let destructions: DestructionTask
  let reencryption: ReencryptionTask
  let scrub: ScrubTask

  /// What keys are judged by.
  package var rules: KeyRules { vault.settings.rules }
  var store: Store { vault.store }
  var books: Books { vault.books }

  /// - Parameters:
  ///   - shareMinutes: for how long custodians' shares wait for the others.
  ///   - distinctAccounts: whether ceremonies ask for shares of different accounts.
  ///   - policy: the policy in force.
  ///   - eraseKeyEncryptionKey: removes a KEK that is being destroyed from its source, which has the one in
  ///     force of a keyring.
  package init(
    _ vault: Vault, shareMinutes: Int = VaultManager.standardShareMinutes,
    distinctAccounts: Bool = true,
    policy: @escaping @Sendable () -> Policy,
    eraseKeyEncryptionKey: @escaping @Sendable (KeyringEntry, Keyring) throws(KeyringError) -> Void
  ) {
    self.vault = vault
    self.policy = policy
    self.distinctAccounts = distinctAccounts
    custody = Custody(limitMinutes: shareMinutes) { vault.acceptsShares }
    fingerprints = FingerprintTask(vault)
    reencryption = ReencryptionTask(vault)
    scrub = ScrubTask(vault)
    destructions = DestructionTask(
      vault, StoreUpkeep(of: vault, gate: upkeepGate), erase: eraseKeyEncryptionKey)
  }

  /// Opens the sealed vault, see `Vault.unseal(with:actor:tasks:progress:)`, and goes on with work on
  /// keys that was not at its end.
  package func unseal(
    with keyring: Keyring, because reason: KeyReason = .none, actor: AuditActor?,
    progress: (Int) -> Void = { _ in }
  ) throws(VaultError) {
    destructions.tryAgain()
    fingerprints.lookAgain()
    try vault.unseal(
      with: keyring, actor: actor, reason: reason.whole,
      tasks: [fingerprints, destructions, reencryption],
      checks: [scrub], progress: progress)
    let (session, work) = try vault.opened()
    scrub.vaultWasOpened(session, work)
    custody.vaultWasOpened()
  }

  /// Closes the keyring, see `Vault.seal(actor:closing:)`.
  package func seal(because reason: KeyReason = .none, actor: AuditActor) throws(VaultError) {
    try vault.seal(actor: actor, reason: reason.whole, closing: custody.vaultWasSealed)
  }

  /// Writes what is due, see `Vault.tick()`, and forgets shares that have waited too long. Call it about
  /// once a second.
  package func tick() {
    expireShares()
    vault.tick()
    guard let opened = try? vault.opened() else { return }
    if scrub.isDue(in: opened.session) || fingerprints.isDueAgain(in: opened.session) {
      opened.work.wake()
    }
  }

  /// See `Vault.lookAtRoom()`.
  package func lookAtRoom() { vault.lookAtRoom() }

  /// Whether the keyring is closed.
  package var isSealed: Bool { vault.isSealed }

  /// See `Vault.signCheckpoint()`.
  package func signCheckpoint() throws(VaultError) -> SignedCheckpoint {
    try vault.signCheckpoint()
  }

  /// How far the look at the whole store is, and what the last one found.
  package var storeCheck: ScrubStatus { scrub.status }

  /// What has happened to the fingerprint index since the start.
  package var indexHistory: IndexHistory.Figures { store.indexHistory }

  /// Records that do not open, so that the replacement of the fingerprint key does not end; 0 where none
  /// is held up.
  package var recordsThatHoldUpReplacement: Int { fingerprints.heldUpBy }

  /// The same for who waits for that end: false while somebody looks again.
  package var isReplacementHeldUp: Bool { fingerprints.isHeldUp }

  /// The fingerprint key whose replacement does not end, and how many records do not open and keep it from
  /// that; nil where nothing does.
  package var heldUpReplacement: (key: KeyIdentifier, records: Int)? {
    get throws(VaultError) {
      let records = recordsThatHoldUpReplacement
      guard records > 0, let key = try keyring.replacedFingerprintKey else { return nil }
      return (key.identifier, records)
    }
  }

  /// How far work beside requests is.
  package var keyWork: BackgroundProgress {
    (try? vault.opened().work.progress) ?? BackgroundProgress()
  }

  /// The keys that the vault works with now.
  package var keyring: Keyring { get throws(VaultError) { try vault.keyring } }
}
