internal import Bytes
internal import Cryptography
internal import JSON

/// What whoever verifies a log needs of one line.
struct CheckedLine {
  /// The hash of its leaf.
  let leaf: Digest256
  /// Whether it is archived with others, see ``AuditOperation/isArchived``.
  let isArchived: Bool
  /// When it was written, in Unix milliseconds; nil where that cannot be read.
  let timeMilliseconds: Int64?
  /// The mark that it says, where it is the entry about an archive.
  let mark: ArchiveMark?

  private static let archived = AuditOperation.allCases.filter(\.isArchived).map(\.bytes)
  private static let archiving = AuditOperation.auditArchive.bytes

  /// Reads the line that stands at `sequence`.
  /// - Throws: what is wrong with it.
  init(_ line: RawSpan, at sequence: UInt64) throws(AuditVerification.Reason) {
    guard line.byteCount <= AuditLimits.lineBytes,
      let document = try? JSONDocument(line, maximumDepth: 1, maximumNodes: 32),
      let number = document.member("seq", of: document.root),
      let operation = document.member("operation", of: document.root), operation.kind == .string
    else { throw .entryMalformed }
    guard document.integer(of: number) == Int64(exactly: sequence) else {
      throw .sequenceMismatch
    }
    leaf = MerkleHash.leaf(line)
    let word = line.extracting(operation.content).array
    timeMilliseconds = document.member("time", of: document.root)
      .flatMap { document.string(of: $0) }.flatMap(RFC3339.unixMilliseconds)
    isArchived = Self.archived.contains(word)
    mark = word == Self.archiving ? LoggedEntry(line: line).flatMap(ArchiveMark.init) : nil
  }
}

extension AuditOperation {
  fileprivate var bytes: [UInt8] { Array(rawValue.utf8) }
}
