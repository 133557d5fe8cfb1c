import AuditLog
import ConfigurationReading
import Cryptography
import Glibc
import Logging
import NIOPosix
import Storage
import Synchronization
import VaultCore
import VaultManagement

/// Puts checkpoints of the log where somebody else sees them: in the service's log, and in a file.
///
/// Both are meant to be out of reach of whoever can change the store. The file is looked at when the
/// service starts: a store that was rolled back or replaced does not go on from it.
final class CheckpointPublisher: Sendable {
  private let settings: AuditSettings
  private let vault: Vault
  private let logger: Logger
  private let state = Mutex(State())

  private struct State {
    var publishedSize: UInt64 = 0
    var last: ContinuousClock.Instant?
    var isBusy = false
    /// Whether the file could not be written last.
    var isFailing = false
  }

  init(_ settings: AuditSettings, vault: Vault, logger: Logger) {
    self.settings = settings
    self.vault = vault
    self.logger = logger
  }

  /// The path of the checkpoint's file, while it cannot be written; nil otherwise.
  var unwrittenFile: String? { state.withLock { $0.isFailing } ? settings.checkpointPath : nil }

  /// Publishes the newest checkpoint where that is due; call it about once a second. Waits for nothing.
  func tick() {
    guard let signed = take(always: false) else { return }
    NIOThreadPool.singleton.submit { [self] _ in publish(signed) }
  }

  /// Publishes the last checkpoint, and waits for that.
  func finish() {
    if let signed = take(always: true) { publish(signed) }
  }

  /// The checkpoint to publish now.
  private func take(always: Bool) -> SignedCheckpoint? {
    guard let signed = vault.checkpoint else { return nil }
    let now = ContinuousClock.now
    let interval = Duration.seconds(settings.checkpointSeconds)
    return state.withLock { state in
      let isDue = always || state.last.map { now - $0 >= interval } ?? true
      guard isDue, always || !state.isBusy, signed.size > state.publishedSize else { return nil }
      state.last = now
      state.isBusy = true
      return signed
    }
  }

  private func publish(_ signed: SignedCheckpoint) {
    // A line of the log has no line feeds; base 64 keeps every byte that is signed.
    let note = Base64.encode(Array(signed.note.encoded.utf8))
    logger.notice("checkpoint", metadata: ["entries": "\(signed.size)", "note": .whole(note)])
    var isWritten = true
    if let path = settings.checkpointPath {
      do throws(CommandFailure) {
        try OutputFile.replace(path, with: Array(signed.note.encoded.utf8))
      } catch {
        isWritten = false
        logger.error(
          "the checkpoint's file is not written", metadata: ["reason": .whole(error.message)])
      }
    }
    state.withLock { state in
      state.isBusy = false
      state.isFailing = !isWritten
      if isWritten { state.publishedSize = max(state.publishedSize, signed.size) }
    }
  }
}

extension AuditSettings {
  private static let advice = "; if you know why, put the file somewhere else and start again"

  /// Refuses a store whose log does not go on from the checkpoint in the file.
  ///
  /// One of another log is refused too, unless the store was restored from a backup of that one: then
  /// it is kept beside the file, under the name of its log.
  /// - Returns: whether there should be a file and is none: the log has checkpoints.
  func check(_ store: Store, _ logger: Logger) throws -> Bool {
    guard let path = checkpointPath else { return false }
    guard let bytes = try CheckpointFile.read(path) else {
      if try store.read({ try KeptCheckpoints.newest(in: $0) }) != nil {
        logger.warning(
          "no checkpoint to compare the log with: a store that was rolled back would not be found",
          metadata: ["file": "\(path)"])
        return true
      }
      return false
    }
    guard let signed = try? SignedCheckpoint(parsing: bytes) else {
      throw CommandFailure(
        .unavailable, "\(path) holds no checkpoint that can be read\(Self.advice)")
    }
    if signed.checkpoint.origin == VerifierKey.name(ofStore: store.storeIdentifier.bytes) {
      try check(signed, of: path, store)
    } else {
      try passOver(signed, of: path, store, logger)
    }
    return false
  }

  private func check(_ signed: SignedCheckpoint, of path: String, _ store: Store) throws {
    let size = try AuditReader(store).size()
    guard signed.size <= size else {
      throw CommandFailure(
        .unavailable,
        "the store was rolled back: its log has \(size) entries, and \(path) tells of "
          + "\(signed.size)\(Self.advice)")
    }
    let root = try store.read { (transaction) throws(AuditError) in
      try LogTree.root(of: signed.size, in: transaction)
    }
    guard root == signed.checkpoint.root else {
      throw CommandFailure(
        .unavailable,
        "the log of the store does not go on from the checkpoint of \(signed.size) entries in "
          + "\(path): it was replaced or changed\(Self.advice)")
    }
  }

  private func passOver(
    _ signed: SignedCheckpoint, of path: String, _ store: Store, _ logger: Logger
  ) throws {
    let origin = signed.checkpoint.origin
    let before = try RestoreOrigin.read(in: store).map {
      VerifierKey.name(ofStore: $0.store.bytes)
    }
    guard origin == before else {
      throw CommandFailure(
        .unavailable,
        "the store was replaced: \(path) is of the log \(origin), and this store is another one, "
          + "not restored from a backup of that\(Self.advice)")
    }
    let kept = path + "." + origin.dropFirst(VerifierKey.namePrefix.count)
    try OutputFile.replace(kept, with: Array(signed.note.encoded.utf8))
    logger.notice(
      "the checkpoint of the log before the restore is kept", metadata: ["file": "\(kept)"])
  }
}

private enum CheckpointFile {
  /// The bytes of a file; nil where there is none.
  static func read(_ path: String) throws(CommandFailure) -> [UInt8]? {
    if unsafe access(path, F_OK) != 0, errno == ENOENT { return nil }
    do throws(ConfigurationFileProblem) {
      return try ConfigurationFiles.read(path, maximumBytes: SignedNote.mostBytes)
    } catch {
      throw CommandFailure(.unavailable, "\(path) \(error.text)")
    }
  }
}
