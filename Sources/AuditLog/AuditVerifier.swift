internal import Cryptography
internal import JSON
internal import LMDB
package import Storage

/// Recomputes a log from its lines, while it may go on growing.
///
/// Every line has to be there, well-formed, under its own sequence and with its noted hash, and the
/// tree over all of them has to be the one that the frontier says. Each read transaction visits at
/// most ``AuditLimits/linesInOneTransaction`` lines.
///
/// What cannot be told without a checkpoint that was kept elsewhere: a whole log, with its hashes
/// and its frontier, that was replaced by another one, or by its own beginning.
package struct AuditVerifier: ~Copyable {
  private let store: Store
  private var frontier = MerkleFrontier()

  /// Verifies the log of `store`, as far as it goes when the verification begins.
  /// - Parameter progress: called after each chunk with how many entries of how many are done; says
  ///   whether to go on.
  /// - Throws: ``AuditError/abandoned``, ``AuditError/store(_:)`` where the store cannot be read. What is wrong with the log
  ///   is not thrown: it is the result's ``AuditVerification/finding``.
  package static func verify(
    _ store: Store, progress: (_ done: UInt64, _ total: UInt64) -> Bool = { _, _ in true }
  ) throws(AuditError) -> AuditVerification {
    var verifier = AuditVerifier(store: store)
    return try verifier.run(progress)
  }

  private init(store: Store) { self.store = store }

  private mutating func run(
    _ progress: (UInt64, UInt64) -> Bool
  ) throws(AuditError) -> AuditVerification {
    let end: MerkleFrontier
    do throws(AuditError) {
      end = try Self.frontier(of: store)
    } catch .damaged {
      return Self.changed(0, .frontierUnreadable, size: 0)
    }
    while frontier.size < end.size {
      if let finding = try verifyChunk(upTo: end.size) {
        return AuditVerification(size: end.size, root: nil, finding: finding)
      }
      guard progress(frontier.size, end.size) else { throw .abandoned }
    }
    if let index = frontier.peaks.indices.first(where: { frontier.peaks[$0] != end.peaks[$0] }) {
      return Self.changed(frontier.firstLeaves[index], .treeMismatch, size: end.size)
    }
    if let finding = try Self.verifyEnd(of: store) {
      return AuditVerification(size: end.size, root: nil, finding: finding)
    }
    return AuditVerification(size: end.size, root: frontier.root, finding: nil)
  }

  private static func changed(
    _ sequence: UInt64, _ reason: AuditVerification.Reason, size: UInt64
  ) -> AuditVerification {
    AuditVerification(
      size: size, root: nil, finding: .init(sequence: sequence, reason: reason))
  }

  private static func frontier(of store: Store) throws(AuditError) -> MerkleFrontier {
    try store.read { (transaction) throws(AuditError) in
      try AuditEnd.frontier(in: transaction) ?? MerkleFrontier()
    }
  }

  /// Verifies the lines from the frontier's size on, in one snapshot.
  private mutating func verifyChunk(
    upTo end: UInt64
  ) throws(AuditError) -> AuditVerification.Finding? {
    let first = frontier.size
    let last = min(end, first + UInt64(AuditLimits.linesInOneTransaction))
    var grown = frontier
    let finding: AuditVerification.Finding? = try store.read { (transaction) throws(AuditError) in
      do throws(StorageError) {
        let hashes = try LeafHashes(from: first, to: last, in: transaction)
        var cursor = try transaction.cursor(in: .audit)
        var entry = try Self.start(at: first, &cursor)
        for sequence in first..<last {
          guard let current = entry else { return Self.finding(sequence, .entryMissing) }
          if let reason = Self.reason(against: current, at: sequence) {
            return Self.finding(sequence, reason)
          }
          let leaf = MerkleHash.leaf(current.value)
          guard let noted = hashes[sequence] else { return Self.finding(sequence, .hashMissing) }
          guard noted == leaf else { return Self.finding(sequence, .hashMismatch) }
          grown.append(leaf)
          entry = try cursor.next()
        }
        return nil
      } catch { throw .store(error) }
    }
    frontier = grown
    return finding
  }

  /// The entry that follows the one of `sequence` - 1, whatever its key is.
  @_lifetime(copy cursor)
  private static func start(
    at sequence: UInt64, _ cursor: inout StoreCursor
  ) throws(StorageError) -> Entry? {
    guard sequence > 0 else { return try cursor.start() }
    let key = [(sequence - 1).bigEndian] as InlineArray<1, UInt64>
    _ = try cursor.start(from: unsafe key.span.bytes)
    return try cursor.next()
  }

  /// What is wrong with an entry, beside its hash, where `sequence` is expected.
  private static func reason(
    against entry: borrowing Entry, at sequence: UInt64
  ) -> AuditVerification.Reason? {
    guard let key = UInt64(bigEndianBytes: entry.key) else { return .entryUnexpected }
    guard key == sequence else { return .entryMissing }
    let line = entry.value
    guard line.byteCount <= AuditLimits.lineBytes,
      let tape = try? JSONTape.parse(line, maximumDepth: 1, maximumNodes: 16),
      let node = tape.member("seq", of: tape.root, in: line)
    else { return .entryMalformed }
    return tape.integer(of: node, in: line) == Int64(exactly: sequence) ? nil : .sequenceMismatch
  }

  /// Whether entries and hashes end where the frontier says, in one snapshot of now.
  private static func verifyEnd(
    of store: Store
  ) throws(AuditError) -> AuditVerification.Finding? {
    try store.read { (transaction) throws(AuditError) in
      let size = try AuditEnd.frontier(in: transaction)?.size ?? 0
      do throws(StorageError) {
        if let first = try firstKey(from: size, in: .audit, of: transaction) {
          return Self.finding(first, .entryUnexpected)
        }
        if let first = try firstKey(from: size, in: .leaves, of: transaction) {
          return Self.finding(first, .hashMissing)
        }
        return try UInt64(transaction.count(of: .audit)) == size
          ? nil : Self.finding(size, .entryUnexpected)
      } catch { throw .store(error) }
    }
  }

  /// `size` where `table` has a key from `size` on.
  private static func firstKey(
    from size: UInt64, in table: Table, of transaction: borrowing StoreReadTransaction
  ) throws(StorageError) -> UInt64? {
    let key = [size.bigEndian] as InlineArray<1, UInt64>
    var cursor = try transaction.cursor(in: table)
    return try cursor.start(from: unsafe key.span.bytes) == nil ? nil : size
  }

  private static func finding(
    _ sequence: UInt64, _ reason: AuditVerification.Reason
  ) -> AuditVerification.Finding {
    AuditVerification.Finding(sequence: sequence, reason: reason)
  }
}
