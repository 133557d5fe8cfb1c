import AuditLog
import CardStore
import Glibc
import Storage
import SystemCalls

/// Something that goes on beside requests until it is done, in pieces, and that a restart goes on with:
/// what there is to do is read from the store.
package protocol BackgroundTask: AnyObject, Sendable {
  /// Why it could not come to its end when it was tried last, where that keeps no other task from going
  /// on; nil otherwise.
  var failure: String? { get }

  /// Whether there is something to do.
  func isDue(in session: VaultSession) throws(VaultError) -> Bool

  /// Does it. After each piece it rests, see ``BackgroundWork/rest(after:atLeast:)``, and returns where
  /// that says so.
  func run(_ work: BackgroundWork) throws(VaultError)
}

/// How far work beside requests is.
package struct BackgroundProgress: Equatable, Sendable {
  /// Cards that have been seen to since the task began or went on.
  package var done: UInt64 = 0
  /// Cards that there were to see to.
  package var total: UInt64 = 0
  /// Records and kept answers that do not open, so that they stay as they are.
  package var damaged: UInt64 = 0
  /// Whether the work goes on.
  package var isRunning = false
  /// Why a task did not come to its end.
  package var failure: String?
  /// Whether that was want of room: it goes on by itself when there is some.
  package var lacksRoom = false

  /// No work.
  package init() {}
}

/// The thread on which tasks run beside requests, one at a time: the most urgent that is due, with
/// pauses while requests come.
package final class BackgroundWork: Sendable {
  /// How many times as long as a piece of work its pause is, while somebody asks for something.
  private static let restFactor = 4
  private static let longestPause = Duration.seconds(5)
  /// How often a piece of work is tried without room, and with what pauses: others may be giving room
  /// back.
  private static let triesWithoutRoom = 8
  private static let pauseWithoutRoom = Duration.milliseconds(250)
  /// How many bytes of room have to come for work to go on that had none.
  private static let bytesToGoOn = 1 << 20

  private struct State {
    var thread: WorkerThread?
    var isStopping = false
    var progress = BackgroundProgress()
    /// The size of the log at the last pause: it grows with every request.
    var auditSize: UInt64 = 0
    /// What room there was when a task ended for want of it.
    var roomAtFailure: RoomFigures?
  }

  /// What there is while the vault is open.
  package let session: VaultSession
  private let tasks: [any BackgroundTask]
  /// Work that goes on beside this, on a thread of its own.
  private let beside: BackgroundWork?
  private let books: Books
  private let explain: @Sendable (VaultError) -> String
  private let vaultRoom: @Sendable () throws(VaultError) -> RoomFigures
  private let state = Monitor(State())

  /// - Parameters:
  ///   - tasks: the most urgent first.
  ///   - beside: those for which none of these waits.
  init(
    _ tasks: [any BackgroundTask], beside: [any BackgroundTask] = [], in session: VaultSession,
    of vault: Vault
  ) {
    self.tasks = tasks
    self.beside = beside.isEmpty ? nil : BackgroundWork(beside, in: session, of: vault)
    self.session = session
    books = vault.books
    explain = vault.settings.explain
    vaultRoom = { [store = vault.store] () throws(VaultError) in
      RoomFigures(cards: try onStore(store.room()), index: session.cards.indexFigures)
    }
  }

  /// How far the task under way is, and what keeps one from its end.
  package var progress: BackgroundProgress {
    var progress = state.withLock { $0.progress }
    progress.failure = progress.failure ?? tasks.lazy.compactMap(\.failure).first
    return progress
  }

  /// Changes what ``progress`` tells.
  package func note(_ body: (inout BackgroundProgress) -> Void) {
    state.withLock { body(&$0.progress) }
  }

  // MARK: - The thread

  /// Begins what there is to do, where it is not under way; that it could not begin is told by
  /// ``progress``.
  package func wake() {
    beside?.wake()
    do throws(VaultError) {
      guard try next() != nil else { return }
      let result = state.withLock { state -> Result<WorkerThread?, StorageError> in
        guard !state.progress.isRunning, !state.isStopping else { return .success(nil) }
        let before = state.thread
        state.progress = BackgroundProgress()
        state.roomAtFailure = nil
        do throws(SystemFailure) {
          state.thread = try WorkerThread(named: "cadenas-work") { [self] in run() }
        } catch { return .failure(StorageError(error)) }
        state.progress.isRunning = true
        return .success(before)
      }
      try onStore(result.get())?.join()
    } catch {
      // A thread that runs goes on.
      let cause = explain(error)
      state.withLock { $0.progress.failure = cause }
    }
  }

  /// Ends the thread; what is left goes on when it is resumed, or at the next start.
  func stop() {
    beside?.stop()
    let thread = state.withLock { state in
      state.isStopping = true
      return state.thread.take()
    }
    state.broadcast()
    thread?.join()
  }

  /// Goes on after a stop.
  func resume() {
    state.withLock { $0.isStopping = false }
    beside?.state.withLock { $0.isStopping = false }
    wake()
  }

  private func run() {
    do throws(VaultError) {
      repeat {
        while !isStopping, let task = try next() { try task.run(self) }
        state.withLock { $0.progress.isRunning = false }
        // Who asked for more before this was said has seen that the work is under way.
      } while try claimsMore()
    } catch {
      fail(error)
    }
  }

  private func fail(_ error: VaultError) {
    let cause = explain(error)
    let room = error.isOfRoom ? try? vaultRoom() : nil
    state.withLock {
      $0.progress.isRunning = false
      $0.progress.failure = cause
      $0.progress.lacksRoom = error.isOfRoom
      $0.roomAtFailure = room
    }
  }

  /// Goes on where a task has ended for want of room, and there is some now.
  func goOn(with room: RoomFigures) {
    let before = state.withLock { $0.progress.isRunning ? nil : $0.roomAtFailure }
    guard let before, room.acceptsCards,
      !before.acceptsCards
        || room.cards.availableBytes >= before.cards.availableBytes + Self.bytesToGoOn
        || room.cards.diskBytes >= before.cards.diskBytes + Self.bytesToGoOn
    else { return }
    wake()
  }

  private func claimsMore() throws(VaultError) -> Bool {
    guard try next() != nil else { return false }
    return state.withLock { state in
      guard !state.isStopping, !state.progress.isRunning else { return false }
      state.progress.isRunning = true
      return true
    }
  }

  private func next() throws(VaultError) -> (any BackgroundTask)? {
    for task in tasks where try task.isDue(in: session) { return task }
    return nil
  }

  // MARK: - For tasks

  /// Whether the thread is to end.
  package var isStopping: Bool { state.withLock { $0.isStopping } }

  /// Whether a task is due that comes before `task`.
  package func hasMoreUrgent(than task: any BackgroundTask) throws(VaultError) -> Bool {
    for other in tasks {
      if other === task { return false }
      if try other.isDue(in: session) { return true }
    }
    return false
  }

  /// Whether somebody has asked for something since the last pause.
  package var isBusy: Bool {
    let size = books.audit.committedSize
    return state.withLock { $0.auditSize != size }
  }

  /// Pauses after a piece of work, longer while others wait.
  ///
  /// - Parameter least: the shortest pause, where a task is bounded to a rate.
  /// - Returns: false where the work is to end.
  package func rest(after work: Duration, atLeast least: Duration = .zero) -> Bool {
    let size = books.audit.committedSize
    let isBusy = state.withLock { state in
      defer { state.auditSize = size }
      return size != state.auditSize
    }
    let pause = min(max(isBusy ? work * Self.restFactor : .zero, least), Self.longestPause)
    // Who stops the work, or seals the vault, does not wait for the end of the pause.
    let isToEnd = state.wait(for: pause) { $0.isStopping ? true : nil }
    return isToEnd != true
  }

  /// Runs `body` again after a pause while the store's queue has no room for it, and some times while its
  /// files have none.
  package func patiently<R>(_ body: () throws(VaultError) -> R) throws(VaultError) -> R {
    var triesWithoutRoom = 0
    while true {
      do throws(VaultError) {
        return try body()
      } catch {
        if error.isOfRoom { triesWithoutRoom += 1 }
        guard error.isOfRoom || error == .store(.overloaded),
          triesWithoutRoom < Self.triesWithoutRoom,
          rest(after: .zero, atLeast: Self.pauseWithoutRoom)
        else { throw error }
      }
    }
  }
}

extension VaultError {
  /// Whether a file of the store has no room for what was to be written.
  fileprivate var isOfRoom: Bool { self == .store(.full) || self == .cards(.indexIsBehind) }
}
