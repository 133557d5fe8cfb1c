import AuditLog
import Bytes
import Cryptography
import Glibc
import SystemCalls

/// Writes an export, verifies it while it is written, and once more as it lies there.
///
/// A directory, which others can check without Cadenas:
/// - `checkpoint`: the signed checkpoint that it ends with; `checkpoints/SIZE`: those before it.
/// - `keys.txt`: the public keys of the log, the first one first, and how they succeed each other.
/// - `entries.jsonl`: the entries, a line each; a line without its end is a leaf of the tree. Where an
///   entry is archived, its line is its leaf's hash: a JSON string in base 64.
/// - `tile/…`: the hashes of the tree, as C2SP tlog-tiles has them.
/// - `README.txt`: this, for whoever finds it.
struct ExportWriter {
  static let newestName = "checkpoint"
  static let checkpointsName = "checkpoints"
  static let keysName = "keys.txt"
  static let entriesName = "entries.jsonl"

  private let directory: String
  private let draft: String
  private var newest: SignedCheckpoint?
  private var older: [KeptCheckpoints.Row] = []
  /// The sequence before which lines are part of the digest.
  private let digestEnd: UInt64
  private var verifier: ExportVerifier?
  private let entries = Entries()
  private var directories: Set<String> = []

  /// The file of the entries.
  private final class Entries { var file: NewFile? }

  /// Begins an export in a directory that is not there yet; until it is whole, it is called
  /// `DIRECTORY.draft`.
  ///
  /// - Parameter digestEnd: the sequence before which lines are part of the digest.
  init(_ path: String, digestBelow digestEnd: UInt64 = .max) throws(CommandFailure) {
    var path = path[...]
    while path.count > 1, path.last == "/" { path.removeLast() }
    directory = String(path)
    draft = directory + ".draft"
    self.digestEnd = digestEnd
    try OutputFile.checkIsNew(directory)
    guard unsafe mkdir(draft, 0o750) == 0 else {
      let reason =
        errno == EEXIST
        ? "this is left of an export that was broken off: remove it first" : systemMessage(errno)
      throw CommandFailure(errno == EEXIST ? .refused : .unavailable, "\(draft): \(reason)")
    }
  }

  /// Takes the next line of what `audit export` is answered.
  mutating func take(_ line: [UInt8]) throws {
    if verifier != nil { return try takeEntry(line) }
    let document = try DocumentView(line)
    if let note = document["checkpoint"] {
      try takeCheckpoint(try SignedCheckpoint(parsing: Array(note.text.utf8)))
    } else if let keys = document["keys"], let newest {
      let text = VerifierKeyFile.text(of: keys)
      try write(Array(text.utf8), to: Self.keysName)
      verifier = ExportVerifier(
        newest, and: older, trusting: VerifierKeyFile.keys(in: Array(text.utf8)))
      entries.file = try NewFile("\(draft)/\(Self.entriesName)")
    } else {
      throw CommandFailure(.unavailable, "the service's answer cannot be read")
    }
  }

  private mutating func takeCheckpoint(_ signed: SignedCheckpoint) throws {
    let bytes = Array(signed.note.encoded.utf8)
    guard newest != nil else {
      newest = signed
      return try write(bytes, to: Self.newestName)
    }
    older.append(KeptCheckpoints.Row(signed))
    try write(bytes, to: "\(Self.checkpointsName)/\(signed.size)")
  }

  private mutating func takeEntry(_ line: [UInt8]) throws {
    let tiles = try verifier?.add(line.rawSpan) ?? []
    entries.file?.append(line + [UInt8(ascii: "\n")])
    try entries.file?.flushSometimes()
    for tile in tiles { try write(tile.bytes, to: tile.path) }
  }

  /// Makes the export durable, verifies its files as whoever gets them will, and gives it its name.
  /// - Throws: a finding, or ``CommandFailure``: it does not have its name then.
  mutating func finish() throws -> ExportCheck.Result {
    guard let verifier else {
      throw CommandFailure(.unavailable, "the service's answer cannot be read")
    }
    _ = try verifier.finish()
    for tile in verifier.partialTiles { try write(tile.bytes, to: tile.path) }
    try write(Array(Self.explanation.utf8), to: "README.txt")
    try entries.file?.synchronize()
    for path in directories.sorted() + [draft] { try NewFile.synchronize(directory: path) }
    let check = try ExportCheck(
      directory: draft, publicKeyPath: nil, sincePath: nil, digestEnd: digestEnd
    ).run()
    if let finding = check.verification.finding { throw finding }
    try publish()
    return check
  }

  /// Removes what was written so far: it is of use to nobody, and takes room that may be what is missing.
  func abandon() { Self.remove(draft) }

  private static func remove(_ path: String) {
    guard unsafe unlink(path) != 0 else { return }
    for name in (try? Directory.names(in: path)) ?? [] { remove("\(path)/\(name)") }
    unsafe rmdir(path)
  }

  private func publish() throws(CommandFailure) {
    guard unsafe rename(draft, directory) == 0 else { throw .system(directory) }
    try NewFile.synchronize(directory: directory + "/..")
  }

  private mutating func write(_ bytes: [UInt8], to name: String) throws(CommandFailure) {
    var path = draft
    for part in name.split(separator: "/").dropLast() {
      path += "/\(part)"
      if directories.insert(path).inserted, unsafe mkdir(path, 0o750) != 0, errno != EEXIST {
        throw .system(path)
      }
    }
    try NewFile.write(bytes, to: "\(draft)/\(name)")
  }

  private static let explanation = """
    This is an export of the audit log of a card vault. It can be verified with nothing but these files
    and the first public key of the log, noted elsewhere:

        cadenas audit verify --export . --public-key FILE

    checkpoint        what the log was at the end of this export: name, entries, root; signed
    checkpoints/SIZE  the same at earlier moments
    keys.txt          public keys that sign for the log, and how each vouches for the next
    entries.jsonl     the entries; a line without its end is a leaf of the tree. A line that is a string
                      is the hash of an entry that an earlier export holds
    tile/             the hashes of the tree

    Formats: RFC 6962 (tree), C2SP tlog-checkpoint, signed-note and tlog-tiles.

    """
}
