internal import Bytes
package import RecordFormat
package import Storage

/// A number for each key, written with the batch that changes it, so that it is exact.
///
/// Rows of `meta`: prefix ‖ key id(4) → number(8, big-endian).
package struct KeyTally {
  /// The things that are counted for each key.
  package enum Subject: String, Sendable {
    /// Cards that stand under a data key.
    case cards = "cards/"
    /// How often a key was used to protect something: records and answers that it sealed,
    /// fingerprints that it made, keyrings that it wrapped, notes that it signed.
    case uses = "uses/"

    fileprivate var prefix: [UInt8] { Array(rawValue.utf8) }
  }

  private struct Count {
    let key: KeyIdentifier
    var committed: UInt64
    var change: Int64 = 0

    /// Clamped: a number that was damaged on the disk stops nothing, and the verifier finds it.
    var total: UInt64 {
      UInt64(clamping: Int64(clamping: committed).addingReportingOverflow(change).0)
    }
  }

  private let subject: Subject
  /// A store has a few keys, and each request asks for two or three: looking for one takes less time
  /// than hashing it.
  private var counts: [Count]

  /// The numbers as the store has them.
  ///
  /// - Throws: ``KeyringError/malformedTally``, ``KeyringError/store(_:)``.
  package static func read(
    _ subject: Subject, _ transaction: borrowing some StoreReading & ~Copyable
  ) throws(KeyringError) -> [KeyIdentifier: UInt64] {
    var numbers: [KeyIdentifier: UInt64] = [:]
    let prefix = subject.prefix
    try transaction.forEach(in: .meta, from: prefix.rawSpan) {
      (key, value) throws(KeyringError) in
      guard key.starts(with: prefix),
        let identifier = KeyIdentifier(bytes: key.extracting(prefix.count...))
      else { return false }
      numbers[identifier] = UInt64(bigEndianBytes: value)
      guard numbers[identifier] != nil else { throw KeyringError.malformedTally }
      return true
    }
    return numbers
  }

  /// Counts on from what the store has.
  package init(_ subject: Subject, _ committed: [KeyIdentifier: UInt64] = [:]) {
    self.subject = subject
    counts = committed.map { Count(key: $0.key, committed: $0.value) }
  }

  /// Counts on from what `store` has.
  package init(_ subject: Subject, in store: Store) throws(KeyringError) {
    self.init(
      subject, try store.read { (rows) throws(KeyringError) in try Self.read(subject, rows) })
  }

  /// The number of a key, the open batch included.
  package subscript(key: KeyIdentifier) -> UInt64 {
    counts.first { $0.key == key }?.total ?? 0
  }

  /// Notes a change of the open batch.
  package mutating func add(_ change: Int64, under key: KeyIdentifier) {
    if let index = counts.firstIndex(where: { $0.key == key }) {
      counts[index].change += change
    } else {
      counts.append(Count(key: key, committed: 0, change: change))
    }
  }

  /// Writes what the batch has changed.
  package func willCommit(_ transaction: inout StoreWriteTransaction) throws(StorageError) {
    for count in counts where count.change != 0 {
      let row = subject.prefix + count.key.value.bigEndianBytes
      let value = count.total.bigEndianBytes
      try transaction.put(key: row.rawSpan, value: value.rawSpan, in: .meta)
    }
  }

  /// The batch is durable.
  package mutating func didCommit() {
    for index in counts.indices {
      counts[index].committed = counts[index].total
      counts[index].change = 0
    }
  }

  /// Nothing of the batch is in the store.
  package mutating func didAbort() {
    for index in counts.indices { counts[index].change = 0 }
  }
}
