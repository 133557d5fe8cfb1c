import AuditLog
import CardStore
import Cards
import Glibc
import Keyring
import RecordFormat
import SecretMemory
import Storage
import Synchronization

/// How far long work on keys is.
package struct KeyWorkProgress: Equatable, Sendable {
  /// Cards that have been seen to since the work began or went on.
  package var done: UInt64 = 0
  /// Cards that there were to see to.
  package var total: UInt64 = 0
  /// Cards whose record does not open, so that they stay under their key.
  package var damaged: UInt64 = 0
  /// Whether the work goes on.
  package var isRunning = false
  /// Why it, or the end of a destruction, did not come to its end.
  package var failure: String?

  init() {}
}

/// Long work on keys beside requests, on a thread of its own: fingerprints that are made anew after a
/// rotation, and cards that are sealed anew under the active key.
///
/// What there is to do is read from the store: the keyring says whether fingerprints are being
/// replaced, the row `reencryption` of `meta` whether cards are to be moved. So a restart goes on.
final class KeyWorker: Sendable {
  /// Cards moved in one transaction while nobody else asks for anything, and while somebody does.
  static let idleStep = 4_096
  static let busyStep = 128
  /// How many times as long as a piece of work its pause is, while somebody asks for something.
  private static let restFactor = 4

  struct State {
    var thread: WorkerThread?
    var isStopping = false
    var progress = KeyWorkProgress()
    var auditSize: UInt64 = 0
    /// Why the destruction that was tried last could not be completed; it is tried again when somebody
    /// asks for it, or at the next start.
    var destructionFailure: String?
    /// Keys that no page of the store holds any more, and whose destruction is not complete yet.
    var compacted: Set<KeyIdentifier> = []
  }

  let store: Store
  let core: WriterCore
  let keys: LiveKeyring
  let slots: SecretPool
  let upkeep: StoreUpkeep
  /// Removes a KEK from its source.
  let eraseKeyEncryptionKey: @Sendable (KeyringEntry) throws -> Void
  /// What people are told of an error.
  let explain: @Sendable (any Error) -> String
  /// Held while the fingerprint key is rotated, or the table that it does not use is emptied.
  let fingerprintTurn = Mutex(())
  let state = Mutex(State())

  init(
    store: Store, core: WriterCore, keys: LiveKeyring, slots: SecretPool, upkeep: StoreUpkeep,
    eraseKeyEncryptionKey: @escaping @Sendable (KeyringEntry) throws -> Void,
    explain: @escaping @Sendable (any Error) -> String
  ) {
    self.explain = explain
    self.upkeep = upkeep
    self.eraseKeyEncryptionKey = eraseKeyEncryptionKey
    self.store = store
    self.core = core
    self.keys = keys
    self.slots = slots
  }

  var progress: KeyWorkProgress {
    state.withLock { state in
      var progress = state.progress
      progress.failure = progress.failure ?? state.destructionFailure
      return progress
    }
  }

  /// Tries destructions again that could not be completed.
  func wakeForDestruction() {
    state.withLock { $0.destructionFailure = nil }
    wake()
  }

  /// Begins what there is to do, where it is not under way; that it could not begin is told by
  /// ``progress``.
  func wake() {
    do {
      guard try nextWork() != nil else { return }
      let finished = try state.withLock { state -> WorkerThread? in
        guard !state.progress.isRunning, !state.isStopping else { return nil }
        let before = state.thread
        state.progress = KeyWorkProgress()
        state.thread = try WorkerThread(named: "cadenas-keys") { [self] in run() }
        state.progress.isRunning = true
        return before
      }
      finished?.join()
    } catch {
      let cause = explain(error)
      state.withLock { $0.progress.failure = cause }
    }
  }

  /// Ends the thread; what is left goes on at the next start.
  func stop() {
    let thread = state.withLock { state in
      state.isStopping = true
      return state.thread.take()
    }
    thread?.join()
  }

  private enum Work {
    case destruction
    case fingerprints
    case reencryption(ReencryptionOrder)
  }

  /// What is most urgent: it comes before whatever can wait longer.
  private func nextWork() throws -> Work? {
    if isMoreUrgentThanCards {
      return keys.current.replacedFingerprintKey != nil ? .fingerprints : .destruction
    }
    let order = try store.read { try ReencryptionOrder.read(in: $0) }
    return order.map { .reencryption($0) }
  }

  /// Whether there is work that re-encryption gives way to.
  var isMoreUrgentThanCards: Bool {
    let keyring = keys.current
    if keyring.replacedFingerprintKey != nil { return true }
    return state.withLock { $0.destructionFailure == nil }
      && keyring.entries.contains { $0.state == .destroying }
  }

  private func run() {
    do {
      repeat {
        while !isStopping, let work = try nextWork() {
          switch work {
          case .destruction: tryDestructions()
          case .fingerprints: try replaceFingerprints()
          case .reencryption(let order): try reencrypt(order)
          }
        }
        state.withLock { $0.progress.isRunning = false }
        // Who asked for more before this was said has seen that the work is under way.
      } while try claimsMore()
    } catch {
      let cause = explain(error)
      state.withLock {
        $0.progress.isRunning = false
        $0.progress.failure = cause
      }
    }
  }

  private func claimsMore() throws -> Bool {
    guard try nextWork() != nil else { return false }
    return state.withLock { state in
      guard !state.isStopping, !state.progress.isRunning else { return false }
      state.progress.isRunning = true
      return true
    }
  }

  var isStopping: Bool { state.withLock { $0.isStopping } }

  /// Pauses after a piece of work, longer while others wait; false where the work is to end.
  func rest(after work: Duration, atLeast least: Duration = .zero) -> Bool {
    let size = core.audit.committedSize
    let isBusy = state.withLock { state in
      defer { state.auditSize = size }
      return size != state.auditSize
    }
    let pause = min(max(isBusy ? work * Self.restFactor : .zero, least), .seconds(5))
    let (seconds, nanoseconds) = Int(pause / .nanoseconds(1)).quotientAndRemainder(
      dividingBy: 1_000_000_000)
    var request = timespec(tv_sec: seconds, tv_nsec: nanoseconds)
    unsafe nanosleep(&request, nil)
    return !isStopping
  }

  var isBusy: Bool {
    let size = core.audit.committedSize
    return state.withLock { $0.auditSize != size }
  }
}
