package import AuditLog
import CardStore
package import Keyring
import RecordFormat
import Storage
import SystemCalls

/// Whether a vault is open, and what there is while it is. The one owner of this is ``Vault/state``;
/// ``Books`` has what a batch is told of it.
enum VaultState {
  case sealed
  /// It is being opened, and sealed until it is.
  case opening
  case open(VaultSession, BackgroundWork)
  /// It is being sealed: it takes no more requests.
  case sealing(VaultSession, BackgroundWork)
  case closed

  /// Whether somebody is changing it, whom others wait for.
  fileprivate var isChanging: Bool {
    switch self {
    case .opening, .sealing: true
    case .sealed, .open, .closed: false
    }
  }
}

extension Vault {
  /// Whether operations answer `sealed`: from the moment on at which sealing begins.
  package var isSealed: Bool {
    state.withLock { state in
      switch state {
      case .open: false
      case .sealed, .opening, .sealing, .closed: true
      }
    }
  }

  /// Whether a sealing has begun and waits for the writer.
  package var isBeingSealed: Bool {
    state.withLock { state in
      switch state {
      case .sealing: true
      case .sealed, .opening, .open, .closed: false
      }
    }
  }

  /// Whether shares can open the vault: not while it is being sealed, which may come to nothing.
  package var acceptsShares: Bool {
    state.withLock { state in
      switch state {
      case .sealed, .opening: true
      case .open, .sealing, .closed: false
      }
    }
  }

  /// The open session and the work beside requests.
  ///
  /// - Throws: ``VaultError/sealed``.
  package func opened() throws(VaultError) -> (session: VaultSession, work: BackgroundWork) {
    let opened = state.withLock { state -> (VaultSession, BackgroundWork)? in
      switch state {
      case .open(let session, let work), .sealing(let session, let work): (session, work)
      case .sealed, .opening, .closed: nil
      }
    }
    guard let opened else { throw .sealed }
    return opened
  }

  /// The keys that the vault works with now.
  ///
  /// - Throws: ``VaultError/sealed``.
  package var keyring: Keyring { get throws(VaultError) { try opened().session.keys.current } }

  /// Opens a sealed vault: brings the fingerprint index up to date, closes payments that a former
  /// process left open, and goes on with `tasks` that were not at their end.
  ///
  /// - Parameters:
  ///   - actor: who opens it; nil for a start that needs nobody, and leaves no entry.
  ///   - reason: why, for the entry.
  ///   - tasks: work beside requests, the most urgent first.
  ///   - checks: work beside these, of which none waits for another.
  ///   - progress: told how many records have been opened for the index.
  /// - Throws: ``VaultError/notSealed``; what keyring, cards and store throw: it stays sealed then.
  package func unseal(
    with keyring: Keyring, actor: AuditActor?, reason: String? = nil,
    tasks: [any BackgroundTask] = [],
    checks: [any BackgroundTask] = [], progress: (Int) -> Void = { _ in }
  ) throws(VaultError) {
    let obstacle = state.waitUntil { state -> VaultError?? in
      switch state {
      case .opening, .sealing: return nil
      case .closed: return .some(.store(.stopped))
      case .open: return .some(.notSealed)
      case .sealed:
        state = .opening
        return .some(nil)
      }
    }
    if let obstacle { throw obstacle }
    do throws(VaultError) {
      let session = try VaultSession(keyring, in: store, books, settings, progress: progress)
      try begin(session, keyring, actor: actor, reason: reason)
      let work = BackgroundWork(tasks, beside: checks, in: session, of: self)
      change(to: .open(session, work))
      work.wake()
    } catch {
      change(to: .sealed)
      throw error
    }
  }

  private func begin(
    _ session: VaultSession, _ keyring: Keyring, actor: AuditActor?, reason: String?
  ) throws(VaultError) {
    try store.perform { [books, settings] (transaction) throws(VaultError) in
      // What was read before may be older than what another process of opening has left.
      guard
        try onKeys(KeyringStore.header(in: transaction))?.generation == keyring.generation
      else { throw .keyringHasChanged }
      books.open(session)
      try books.addMissingRoles(
        to: session.keys, settings.rules.cryptoperiods, in: &transaction)
      try books.noteUncovered(in: &transaction)
      try books.closeOpenPayments(because: AuditReason.restart, in: &transaction)
      if let actor {
        try books.record(
          AuditEntry(
            actor: actor, operation: .unseal, key: keyring.keyEncryptionKeyIdentifier.text,
            outcome: .done, reason: reason), in: &transaction)
      }
      // What a former process left is signed before anything new stands after it: else a log in which
      // nothing was written for a minute after a crash would look as if somebody had added to it.
      try books.signCheckpoint(stays: false, in: &transaction)
    }
  }

  /// Closes the keyring at once: requests are refused from now on, and no key is left in memory.
  ///
  /// Nobody is waited for but the piece of work that is being done beside requests; a compaction is
  /// given up. Payments that are
  /// under way have the outcome `unknown`, with the cause `sealed`, in the batch that seals; whoever waits
  /// for one is told so, and what its acquirer says later changes nothing.
  /// - Parameter reason: why, for the entry.
  /// - Parameter closing: called when it is certain, before shares can open the vault again.
  /// - Throws: ``VaultError/sealed``; `StorageError`: it stays open then.
  package func seal(
    actor: AuditActor, reason: String? = nil, closing: () -> Void = {}
  ) throws(VaultError) {
    let opened = state.waitUntil { state -> (VaultSession, BackgroundWork)?? in
      switch state {
      case .opening, .sealing: return nil
      case .sealed, .closed: return .some(nil)
      case .open(let session, let work):
        state = .sealing(session, work)
        return (session, work)
      }
    }
    guard let (session, work) = opened else { throw .sealed }
    work.stop()
    do throws(VaultError) {
      try end(session, actor: actor, reason: reason)
    } catch {
      change(to: .open(session, work))
      work.resume()
      throw error
    }
    payments.seal()
    session.cards.flushIndex()
    // What it held LMDB has; where the disk does not let it be overwritten, sealed it is all the same.
    try? store.eraseJournal()
    closing()
    change(to: .sealed)
  }

  private func end(
    _ session: VaultSession, actor: AuditActor, reason: String?
  ) throws(VaultError) {
    let key = session.keys.current.keyEncryptionKeyIdentifier
    try store.perform { [books] (transaction) throws(VaultError) in
      try books.closeOpenPayments(because: AuditReason.sealed, in: &transaction)
      try books.record(
        AuditEntry(
          actor: actor, operation: .seal, key: key.text, outcome: .done, reason: reason),
        in: &transaction)
      try books.signCheckpoint(stays: true, in: &transaction)
      books.sealAfterBatch()
    }
  }

  /// Stops the writer after everything that was accepted, and writes the fingerprint index out.
  package func close() {
    let before = state.waitUntil { state -> VaultState? in
      guard !state.isChanging else { return nil }
      defer { state = .closed }
      return state
    }
    state.broadcast()
    switch before {
    case .closed: return
    case .open(let session, let work):
      work.stop()
      endStore()
      session.cards.flushIndex()
    case .sealed, .opening, .sealing: endStore()
    }
  }

  private func endStore() {
    maintain(endingRefusalsAt: .max, isLast: true)
    store.stopWriter()
  }

  private func change(to new: VaultState) {
    state.withLock { $0 = new }
    state.broadcast()
  }
}
