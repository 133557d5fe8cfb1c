import Bytes
package import Cryptography
package import RecordFormat
package import Storage
package import VaultCore

/// What is on record about one backup, so that no key is destroyed that it needs.
///
/// Row of `meta`, key `"backup/" ‖ id(4)`, version 1, numbers big-endian:
///
/// | bytes | content |
/// |---|---|
/// | 1 | version, 1 |
/// | 1 | state: 1 unfinished, 2 kept, 3 forgotten |
/// | 8 | time at which it began, in Unix milliseconds |
/// | 8 | length of the file; 0 while unfinished |
/// | 32 | SHA-256 of the file; zero while unfinished |
/// | 8 | size of the audit log in the backup |
/// | 32 | root of the audit log in the backup |
/// | 4 | key id of the KEK |
/// | 2 | number of keys, or 65535 where they are not known |
/// | 4 each | key ids |
/// | 2 + n | path: length, UTF-8 |
/// | 2 + n | actor: length, UTF-8 |
/// | 2 + n | note: length, UTF-8 |
package struct BackupRecord: Equatable, Sendable {
  /// Where a backup is in its life. The number is what stands in the row.
  package enum State: UInt8, CaseIterable, Sendable {
    /// Begun. There may be a file, whole or not.
    case unfinished = 1
    /// Durable and verified.
    case kept = 2
    /// An operator said that the file is destroyed.
    case forgotten = 3

    /// The name in commands and reports.
    package var name: String {
      switch self {
      case .unfinished: "unfinished"
      case .kept: "kept"
      case .forgotten: "forgotten"
      }
    }
  }

  /// What the backup holds of the audit log.
  package struct Log: Equatable, Sendable {
    package var size: UInt64
    package var root: Digest256

    /// The log's size and root.
    package init(size: UInt64, root: Digest256) {
      self.size = size
      self.root = root
    }
  }

  /// The longest path, in bytes: the system's, without its end.
  package static let longestPath = 4_095
  /// The longest note, in bytes.
  package static let longestNote = 1_024

  /// The backup's name; written as eight hexadecimal digits, as a key's is.
  package let identifier: KeyIdentifier
  package var state = State.unfinished
  package let beganMilliseconds: UInt64
  package var bytes: UInt64 = 0
  package var digest = Digest256.zero
  package var log: Log
  /// The KEK that the backup's keyring is wrapped under.
  package var keyEncryptionKey: KeyIdentifier
  /// The keys of which its keyring holds the secret; nil where the keyring was closed.
  package var keys: Set<KeyIdentifier>?
  /// Where the file was written.
  package let path: String
  /// Who made it, as entries name them.
  package let actor: String
  package let note: String

  /// A backup that begins.
  package init(
    _ identifier: KeyIdentifier, beganMilliseconds: UInt64, log: Log,
    keyEncryptionKey: KeyIdentifier, keys: Set<KeyIdentifier>?, path: String, actor: String,
    note: String
  ) {
    self.identifier = identifier
    self.beganMilliseconds = beganMilliseconds
    self.log = log
    self.keyEncryptionKey = keyEncryptionKey
    self.keys = keys
    self.path = path
    self.actor = actor
    self.note = note
  }

  /// Whether the backup could not be read any more without the key `key`.
  ///
  /// One that is unfinished counts as kept, since there may be a file. One whose keyring could not be
  /// looked into needs every key.
  package func needs(key: KeyIdentifier) -> Bool {
    guard state != .forgotten else { return false }
    guard let keys else { return true }
    return key == keyEncryptionKey || keys.contains(key)
  }
}

// MARK: - Rows

extension BackupRecord {
  private static let prefix = Array("backup/".utf8)

  /// Every backup on record, the oldest first.
  ///
  /// - Throws: ``VaultError/malformedRow``, `StorageError`.
  package static func all(
    in transaction: borrowing some StoreReading & ~Copyable
  ) throws(VaultError) -> [BackupRecord] {
    var records: [BackupRecord] = []
    try transaction.forEachRow(prefix) { (key, row) throws(VaultError) in
      guard let record = BackupRecord(key: key, row: row.array) else { throw .malformedRow }
      records.append(record)
    }
    return records.sorted { $0.beganMilliseconds < $1.beganMilliseconds }
  }

  /// The backup `identifier`; nil where none is on record.
  package static func find(
    _ identifier: KeyIdentifier, in transaction: borrowing some StoreReading & ~Copyable
  ) throws(VaultError) -> BackupRecord? {
    let key = key(of: identifier)
    guard let row = try transaction.row(key) else { return nil }
    guard let record = BackupRecord(key: key, row: row) else { throw .malformedRow }
    return record
  }

  /// Puts the record into the store, in the place of the one before.
  func save(in transaction: inout StoreWriteTransaction) throws(VaultError) {
    try transaction.putRow(encoded, at: Self.key(of: identifier))
  }

  /// Takes the record out of the store.
  func remove(in transaction: inout StoreWriteTransaction) throws(VaultError) {
    try transaction.removeRow(Self.key(of: identifier))
  }

  private static func key(of identifier: KeyIdentifier) -> [UInt8] {
    prefix + identifier.value.bigEndianBytes
  }
}

// MARK: - Bytes

extension BackupRecord {
  private static let version: UInt8 = 1
  private static let unknownKeys = UInt16.max

  /// The bytes of the row.
  var encoded: [UInt8] {
    var row = [Self.version, state.rawValue]
    row += beganMilliseconds.bigEndianBytes + bytes.bigEndianBytes + digest.bytes
    row += log.size.bigEndianBytes + log.root.bytes + keyEncryptionKey.value.bigEndianBytes
    let keys = keys?.sorted()
    row += (keys.map { UInt16(clamping: $0.count) } ?? Self.unknownKeys).bigEndianBytes
    for key in keys ?? [] { row += key.value.bigEndianBytes }
    for text in [path, actor, note] {
      let bytes = Array(text.utf8.prefix(Int(UInt16.max)))
      row += UInt16(bytes.count).bigEndianBytes + bytes
    }
    return row
  }

  /// Reads a row; nil unless it is exactly one that ``encoded`` writes.
  init?(key: [UInt8], row: [UInt8]) {
    guard key.count == Self.prefix.count + KeyIdentifier.byteCount else { return nil }
    identifier = KeyIdentifier(UInt32(key.rawSpan.bigEndian(Self.prefix.count..<key.count)))
    var rest = RowReader(row.rawSpan)
    guard rest.number(UInt8.self) == Self.version,
      let state = rest.number(UInt8.self).flatMap(State.init(rawValue:)),
      let began = rest.number(UInt64.self), let bytes = rest.number(UInt64.self),
      let digest = rest.digest(), let size = rest.number(UInt64.self), let root = rest.digest(),
      let kek = rest.number(UInt32.self), let count = rest.number(UInt16.self)
    else { return nil }
    var keys: Set<KeyIdentifier>?
    if count != Self.unknownKeys {
      var listed: [KeyIdentifier] = []
      for _ in 0..<count {
        guard let key = rest.number(UInt32.self) else { return nil }
        listed.append(KeyIdentifier(key))
      }
      keys = Set(listed)
    }
    guard let path = rest.text(), let actor = rest.text(), let note = rest.text(), rest.isAtEnd
    else { return nil }
    self.state = state
    beganMilliseconds = began
    self.bytes = bytes
    self.digest = digest
    log = Log(size: size, root: root)
    keyEncryptionKey = KeyIdentifier(kek)
    self.keys = keys
    self.path = path
    self.actor = actor
    self.note = note
    // One row has one form: keys in their order, none of them twice.
    guard encoded == row else { return nil }
  }
}
