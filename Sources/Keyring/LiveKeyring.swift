package import RecordFormat
package import Storage
import Synchronization

/// The keyring that is in force, and what changes it: in the transaction of a batch, and from that
/// batch's commit on.
///
/// `@unchecked Sendable`: ``current`` stands behind a lock; everything else belongs to the store's
/// writer thread, which calls it inside its transactions and for its batches.
package final class LiveKeyring: @unchecked Sendable {
  /// Seals under one data key beyond which nothing is sealed any more, where the policy sets no
  /// other bound: far below the 2^80 that C2SP gives for XAES-256-GCM's random nonces.
  package static let mostSeals: UInt64 = 1 << 48

  private let store: StoreIdentifier
  private let sealBound: UInt64
  private let published: Mutex<Keyring>
  private let confinement = ThreadConfinement()
  private var committed: Keyring
  private var pending: Keyring?
  private var uses: KeyTally
  /// Seals that are held back, see ``holdSeal()``, and how many of them when the batch began.
  private var heldSeals: UInt64 = 0
  private var heldSealsBeforeBatch: UInt64 = 0

  /// Puts `keyring` in force.
  ///
  /// - Parameter sealBound: seals under one data key beyond which it seals nothing any more.
  package init(
    _ keyring: Keyring, in store: Store, sealBound: UInt64 = LiveKeyring.mostSeals
  ) throws(KeyringError) {
    self.store = store.storeIdentifier
    self.sealBound = sealBound
    published = Mutex(keyring)
    committed = keyring
    uses = try KeyTally(.uses, in: store)
  }

  /// The keyring that is in force. From any thread.
  package var current: Keyring { published.withLock { $0 } }

  /// The keyring as the open batch leaves it. Writer thread only.
  package var working: Keyring { pending ?? committed }

  /// Changes the keyring with the open batch. Writer thread only.
  ///
  /// - Throws: what `body` throws, and ``KeyringError``; nothing has changed then.
  package func change<R>(
    in transaction: inout StoreWriteTransaction,
    _ body: (inout KeyringChange) throws(KeyringError) -> R
  ) throws(KeyringError) -> R {
    confinement.preconditionInThread()
    var change = KeyringChange(working)
    let result = try body(&change)
    let keyring = try change.keyring()
    try KeyringStore.save(keyring, for: store, in: &transaction)
    uses.add(1, under: keyring.keyEncryptionKeyIdentifier)
    pending = keyring
    return result
  }

  /// Counts one use of a key that protects something. Writer thread only.
  package func countUse(of key: KeyIdentifier) { uses.add(1, under: key) }

  /// Counts one seal under the data key `key`. Writer thread only.
  ///
  /// - Throws: ``KeyringError/keyUsedUp(_:)`` where the bound is reached, or all that is left up to it
  ///   is held back.
  package func countSeal(under key: KeyIdentifier) throws(KeyringError) {
    confinement.preconditionInThread()
    guard uses[key] + heldSeals < sealBound else { throw .keyUsedUp(key) }
    uses.add(1, under: key)
  }

  /// Holds one seal back for what will have to be sealed, whatever is sealed before: the outcome of a
  /// payment that is about to be sent. Writer thread only.
  ///
  /// What is held back is of no key of its own. It counts against the one that is active, so that it
  /// stays through a rotation.
  /// - Throws: ``KeyringError/keyUsedUp(_:)``, as ``countSeal(under:)`` would; nothing is held then.
  package func holdSeal() throws(KeyringError) {
    let key = working.activeDataKey.identifier
    guard uses[key] + heldSeals < sealBound else { throw .keyUsedUp(key) }
    heldSeals += 1
  }

  /// Gives a seal back that was held: it is used next, by ``countHeldSeal(under:)``, or not needed.
  /// Writer thread only.
  package func releaseSeal() {
    precondition(heldSeals > 0, "more seals are given back than were held")
    heldSeals -= 1
  }

  /// Counts one seal under the data key `key` for which one was held. It is refused never: what a
  /// store of an older version owes, which held none, goes a few beyond the bound. Writer thread only.
  package func countHeldSeal(under key: KeyIdentifier) { uses.add(1, under: key) }

  /// Goes on holding the seals that a former process held. Before the first batch.
  package func restoreHeldSeals(_ count: UInt64) {
    heldSeals = count
    heldSealsBeforeBatch = count
  }

  /// Writes the batch's counts.
  package func batchWillCommit(_ transaction: inout StoreWriteTransaction) throws(StorageError) {
    confinement.preconditionInThread()
    try uses.willCommit(&transaction)
  }

  /// The batch is durable.
  ///
  /// - Returns: the keyring that it put in force; nil where it changed none.
  package func batchDidCommit() -> Keyring? {
    confinement.preconditionInThread()
    uses.didCommit()
    heldSealsBeforeBatch = heldSeals
    guard let new = pending else { return nil }
    pending = nil
    committed = new
    published.withLock { $0 = new }
    return new
  }

  /// Nothing of the batch is in the store.
  package func batchDidAbort() {
    confinement.preconditionInThread()
    uses.didAbort()
    heldSeals = heldSealsBeforeBatch
    pending = nil
  }
}
