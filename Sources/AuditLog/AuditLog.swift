package import Cryptography
internal import LMDB
package import Storage
internal import Synchronization

/// The log of everything that was asked of the vault: appends entries, and keeps the RFC 6962 tree
/// over them.
///
/// An entry is put into the transaction that it tells of, so that neither is durable without the
/// other. Three tables hold the log:
/// - `audit`: sequence (8 bytes, big-endian, from 0) → the line, exactly; a line is leaf `sequence`.
/// - `leaves`: the first sequence of a batch (8 bytes, big-endian) → 32 bytes for each leaf of it.
/// - `meta`, key `audit.frontier`: ``MerkleFrontier/encoded``, once for each batch.
///
/// A command that writes without the writer's thread calls ``batchWillCommit(_:)`` at the end of its
/// own transaction.
///
/// All but ``committedSize`` belongs to the store's writer thread.
// Sendable is unchecked because of `open`, `committed`, `line` and `latestMilliseconds`. They are
// touched by `append` and the functions of BatchParticipant only; the store calls these, and lends
// the transaction that `append` needs, on its one writer thread. The initializer is done before
// anyone else knows the log.
package final class AuditLog: BatchParticipant, @unchecked Sendable {
  /// The key of the frontier in `meta`.
  package static let frontierKey = Array("audit.frontier".utf8)

  /// What the next entry follows, and what it was when the batch began.
  private var open: State
  private var committed: State
  private var line = AuditLine()
  private let size: Atomic<UInt64>

  private struct State {
    var frontier = MerkleFrontier()
    /// The hashes of the leaves that the batch has added, one after the other.
    var leaves: [UInt8] = []
    /// The time of the latest entry, or of the one after which the clock went backwards.
    var latestMilliseconds = Int64.min
  }

  /// The log of a store that is being created, with nothing in it.
  package convenience init() { self.init(State()) }

  private init(_ state: State) {
    open = state
    committed = state
    size = Atomic(state.frontier.size)
  }

  /// Takes up the log of `store` where it ended, without reading more of it than its last line.
  /// - Throws: ``AuditError/damaged(_:)`` where the frontier is missing, cannot be read, or names a
  ///   last entry that is not there.
  package convenience init(restoringFrom store: Store) throws(AuditError) {
    var state = State()
    if let end = try AuditEnd.read(in: store) {
      state.frontier = end.frontier
      state.latestMilliseconds = end.latestMilliseconds
    }
    self.init(state)
  }

  /// How many entries are durable. From any thread.
  package var committedSize: UInt64 { size.load(ordering: .acquiring) }

  /// How many entries there are, those of the open batch included. Writer thread only.
  package var pendingSize: UInt64 { open.frontier.size }

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
    try transaction.put(
      key: unsafe key.span.bytes, value: unsafe bytes.span.bytes, in: .audit, options: .append)
    let leaf = MerkleHash.leaf(unsafe bytes.span.bytes)
    open.frontier.append(leaf)
    leaf.withBytes { open.leaves.append(span: $0) }
    return sequence
  }
}

extension AuditLog {
  /// Writes the batch's leaf hashes and the new frontier.
  package func batchWillCommit(_ transaction: inout StoreWriteTransaction) throws {
    guard open.frontier.size != committed.frontier.size else { return }
    let first = [committed.frontier.size.bigEndian] as InlineArray<1, UInt64>
    let leaves = open.leaves
    try transaction.put(
      key: unsafe first.span.bytes, value: unsafe leaves.span.bytes, in: .leaves, options: .append)
    let key = Self.frontierKey
    let frontier = open.frontier.encoded
    try transaction.put(
      key: unsafe key.span.bytes, value: unsafe frontier.span.bytes, in: .meta)
  }

  /// The batch is durable.
  package func batchDidCommit() {
    open.leaves.removeAll(keepingCapacity: true)
    committed = open
    size.store(open.frontier.size, ordering: .releasing)
  }

  /// Nothing of the batch is in the store: the log is again what it was before. The batch may come
  /// again, whole or in part.
  package func batchDidAbort() {
    open = committed
  }
}

extension [UInt8] {
  mutating func append(span: RawSpan) {
    unsafe span.withUnsafeBytes { unsafe append(contentsOf: $0) }
  }
}
