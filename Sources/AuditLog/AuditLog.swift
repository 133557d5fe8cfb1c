internal import Bytes
package import Cryptography
package import Storage
internal import Synchronization

/// The log of everything that was asked of the vault: appends entries, and keeps the RFC 6962 tree
/// over them.
///
/// An entry is put into the transaction that it tells of, so that neither is durable without the
/// other. Four tables hold the log:
/// - `audit`: sequence (8 bytes, big-endian, from 0) → the line, exactly; a line is leaf `sequence`.
/// - `leaves`: the first sequence of a batch (8 bytes, big-endian) → 32 bytes for each leaf of it.
/// - `meta`, key `audit.frontier`: ``MerkleFrontier/encoded``, once for each batch.
/// - `checkpoints`: each ``TreeNode`` that is complete, and signed checkpoints, see
///   ``KeptCheckpoints``.
///
/// A command that writes without the writer's thread calls ``batchWillCommit(_:)`` at the end of its
/// own transaction.
///
/// All but ``committedSize`` and ``committedCheckpoint`` belongs to the store's writer thread, or to
/// whoever makes a batch where no writer runs.
// Sendable is unchecked because of `open`, `committed`, `line`, `added`, `tell` and `latestMilliseconds`.
// They are touched by `append` and the functions of BatchParticipant only; the store calls these, and lends
// the transaction that `append` needs, on its one writer thread. The initializer is done before
// anyone else knows the log.
package final class AuditLog: BatchParticipant, @unchecked Sendable {
  /// The key of the frontier in `meta`.
  package static let frontierKey = Array("audit.frontier".utf8)

  /// What the next entry follows, and what it was when the batch began.
  private var open: State
  private var committed: State
  /// The hashes of the leaves that the batch has added, one after the other.
  private var leaves: [UInt8] = []
  /// The nodes that it has completed.
  private var nodes: [(node: TreeNode, hash: Digest256)] = []
  private let confinement = ThreadConfinement()
  private var line = AuditLine()
  /// The lines that the batch has added, with their sequences, where somebody is told of them.
  private var added: [(sequence: UInt64, line: [UInt8])] = []
  /// Told each line once it is durable, on the writer's thread: it has to be quick. Set before the writer
  /// begins.
  package var tell: (@Sendable (_ sequence: UInt64, _ line: [UInt8]) -> Void)?
  private let size: Atomic<UInt64>
  private let checkpoint: Mutex<SignedCheckpoint?>
  private let uncovered: Range<UInt64>

  private struct State {
    var frontier = MerkleFrontier()
    /// The newest checkpoint.
    var checkpoint: LatestCheckpoint?
    /// The time of the latest entry, or of the one after which the clock went backwards.
    var latestMilliseconds = Int64.min
  }

  /// The newest checkpoint, and whether it stays when there is a newer one.
  private struct LatestCheckpoint {
    let signed: SignedCheckpoint
    let stays: Bool
    /// When it was signed, in Unix milliseconds.
    let milliseconds: Int64

    var hour: Int64 { milliseconds / 3_600_000 }
    var minute: Int64 { milliseconds / 60_000 }

    /// Whether it may go where `newer` has come: an hour keeps one, and a minute one that stays.
    func yields(to newer: LatestCheckpoint) -> Bool {
      signed.size != newer.signed.size && signed.hasSigner(of: newer.signed)
        && (stays ? newer.stays && minute == newer.minute : hour == newer.hour)
    }
  }

  /// The log of a store that is being created, with nothing in it.
  package convenience init() { self.init(State()) }

  private init(_ state: State) {
    open = state
    committed = state
    size = Atomic(state.frontier.size)
    checkpoint = Mutex(state.checkpoint?.signed)
    uncovered = (state.checkpoint?.signed.size ?? 0)..<state.frontier.size
  }

  /// Takes up the log of `store` where it ended, without reading more of it than its last lines and,
  /// where it goes on from its newest checkpoint, some hashes of the tree.
  /// - Throws: ``AuditError/damaged(_:)`` where the frontier is missing, cannot be read, or names a
  ///   last entry that is not there, and where the log does not go on from the checkpoint.
  package convenience init(restoringFrom store: Store) throws(AuditError) {
    var state = State()
    if let end = try AuditEnd.read(in: store) {
      state.frontier = end.frontier
      state.latestMilliseconds = end.latestMilliseconds
      if let signed = try Self.newestCheckpoint(of: store, with: end.frontier) {
        state.checkpoint = LatestCheckpoint(
          signed: signed, stays: true, milliseconds: end.latestMilliseconds)
      }
    }
    self.init(state)
  }

  private static func newestCheckpoint(
    of store: Store, with frontier: MerkleFrontier
  ) throws(AuditError) -> SignedCheckpoint? {
    try store.read { (transaction) throws(AuditError) in
      guard let newest = try KeptCheckpoints.newest(in: transaction) else { return nil }
      guard newest.size <= frontier.size else {
        throw .damaged(
          "it has \(frontier.size) entries, and its newest checkpoint covers \(newest.size)")
      }
      guard try LogTree.root(of: newest.size, in: transaction) == newest.checkpoint.root else {
        throw .damaged("it does not go on from its checkpoint of \(newest.size) entries")
      }
      return newest
    }
  }

  /// How many entries are durable. From any thread.
  package var committedSize: UInt64 { size.load(ordering: .acquiring) }

  /// How many entries there are, those of the open batch included. Writer thread only.
  package var pendingSize: UInt64 { open.frontier.size }

  /// The time of the last of them, in Unix milliseconds, to ``AuditLimits/clockToleranceMilliseconds``:
  /// not before it; nil where there is none. Writer thread only.
  package var pendingMilliseconds: Int64? {
    open.frontier.size == 0 ? nil : open.latestMilliseconds
  }

  /// The tree's root over all of them. Writer thread only.
  package var pendingRoot: Digest256 { open.frontier.root }

  /// Appends `entry`, which becomes durable with `transaction`.
  ///
  /// Where `milliseconds` (Unix time) is more than ``AuditLimits/clockToleranceMilliseconds`` before
  /// the latest entry, an entry `clock`, `backwards` is put before it, once for each such step.
  /// - Returns: its sequence, which is its leaf's index.
  /// - Throws: what the store throws; the batch has to be aborted then.
  @discardableResult
  package func append(
    _ entry: AuditEntry, atMilliseconds milliseconds: Int64,
    in transaction: inout StoreWriteTransaction
  ) throws(StorageError) -> UInt64 {
    confinement.preconditionInThread()
    if milliseconds < open.latestMilliseconds {
      let step = open.latestMilliseconds - milliseconds
      if step > AuditLimits.clockToleranceMilliseconds {
        open.latestMilliseconds = milliseconds
        try appendLine(.clockWentBackwards, atMilliseconds: milliseconds, in: &transaction)
      }
    } else {
      open.latestMilliseconds = milliseconds
    }
    return try appendLine(entry, atMilliseconds: milliseconds, in: &transaction)
  }

  @discardableResult
  private func appendLine(
    _ entry: AuditEntry, atMilliseconds milliseconds: Int64,
    in transaction: inout StoreWriteTransaction
  ) throws(StorageError) -> UInt64 {
    let sequence = open.frontier.size
    line.write(entry, sequence: sequence, atMilliseconds: milliseconds)
    let key = [sequence.bigEndian] as InlineArray<1, UInt64>
    let bytes = line.bytes
    try transaction.append(key: key.span.rawSpan, value: bytes.rawSpan, in: .audit)
    let leaf = MerkleHash.leaf(bytes.rawSpan)
    nodes += open.frontier.append(leaf)
    leaf.withBytes { leaves.append(contentsOf: $0) }
    if tell != nil { added.append((sequence, bytes)) }
    return sequence
  }
}

// MARK: - Checkpoints

extension AuditLog {
  /// The newest checkpoint that is durable; nil where none was signed yet. From any thread.
  package var committedCheckpoint: SignedCheckpoint? { checkpoint.withLock { $0 } }

  /// The entries that no checkpoint covered when the log was taken up: what a process that ended
  /// without a stop had not signed yet, or what somebody has put there.
  package var uncoveredAtStart: Range<UInt64> { uncovered }

  /// Whether there are entries, those of the open batch included, that no checkpoint covers.
  package var needsCheckpoint: Bool { open.frontier.size != open.checkpoint?.signed.size ?? 0 }

  /// What a checkpoint of now says, the entries of the open batch included.
  package func pendingCheckpoint(origin: String) -> Checkpoint {
    Checkpoint(origin: origin, size: open.frontier.size, root: open.frontier.root)
  }

  /// Keeps a signed ``pendingCheckpoint(origin:)`` with the open batch, and forgets the one before
  /// where that need not stay: see ``KeptCheckpoints``.
  ///
  /// - Parameter stays: whether it is kept for good, unless another that stays follows within the
  ///   minute.
  package func keep(
    _ signed: SignedCheckpoint, stays: Bool, atMilliseconds milliseconds: Int64,
    in transaction: inout StoreWriteTransaction
  ) throws(StorageError) {
    let new = LatestCheckpoint(signed: signed, stays: stays, milliseconds: milliseconds)
    if let before = open.checkpoint, before.yields(to: new) {
      try KeptCheckpoints.remove(before.signed.size, in: &transaction)
    }
    try KeptCheckpoints.save(signed, in: &transaction)
    open.checkpoint = new
  }
}

extension AuditLog {
  /// Writes the batch's leaf hashes and the new frontier.
  package func batchWillCommit(_ transaction: inout StoreWriteTransaction) throws(StorageError) {
    confinement.preconditionInThread()
    guard open.frontier.size != committed.frontier.size else { return }
    let first = [committed.frontier.size.bigEndian] as InlineArray<1, UInt64>
    let leaves = leaves
    try transaction.append(key: first.span.rawSpan, value: leaves.rawSpan, in: .leaves)
    try transaction.put(
      key: Self.frontierKey.rawSpan, value: open.frontier.encoded.rawSpan, in: .meta)
    try LogTree.save(nodes, in: &transaction)
  }

  /// The batch is durable.
  package func batchDidCommit() {
    confinement.release()
    forgetBatch()
    if let new = open.checkpoint?.signed, new.size != committed.checkpoint?.signed.size {
      checkpoint.withLock { $0 = new }
    }
    committed = open
    size.store(open.frontier.size, ordering: .releasing)
    if let tell { for (sequence, line) in added { tell(sequence, line) } }
    added.removeAll(keepingCapacity: true)
  }

  /// Nothing of the batch is in the store: the log is again what it was before. The batch may come
  /// again, whole or in part.
  package func batchDidAbort() {
    confinement.release()
    forgetBatch()
    added.removeAll(keepingCapacity: true)
    open = committed
  }

  private func forgetBatch() {
    leaves.removeAll(keepingCapacity: true)
    nodes.removeAll(keepingCapacity: true)
  }
}
