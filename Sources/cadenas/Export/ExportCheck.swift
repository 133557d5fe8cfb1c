import AuditLog
import Bytes
import Cryptography
import Glibc
import SystemCalls

/// Verifies an export with its files alone.
struct ExportCheck {
  /// The most checkpoints that are read: more than one an hour in a century.
  private static let mostCheckpoints = 1_000_000

  let directory: String
  /// A file with the key that is trusted; nil trusts the first one of the export.
  let publicKeyPath: String?
  /// A file with a checkpoint that was kept elsewhere.
  let sincePath: String?
  /// The sequence before which lines are part of ``Result/entries``.
  var digestEnd = UInt64.max
  /// Is shown every line that the verifier takes.
  var visit: (RawSpan) -> Void = { _ in }

  struct Result {
    let verification: AuditVerification
    /// SHA-256 of the entries, or of those before ``ExportCheck/digestEnd``, as the file has them.
    let entries: Digest256
    /// The checkpoint that it ends with.
    let newest: SignedCheckpoint
    var origin: String { newest.checkpoint.origin }
    /// The key that has signed the checkpoint that the export ends with.
    let signer: VerifierKey?
    /// Whether another key has taken its place since.
    let isSignerReplaced: Bool
    /// The key that everything else follows from.
    let first: VerifierKey

    /// What somebody is told who has named no key.
    var remark: String {
      "the export's own first key was believed (\(first.text)): compare it with the one that "
        + "you have noted, or give that as --public-key"
    }
  }

  /// - Throws: ``CommandFailure`` where a file is missing or cannot be read. What was changed is the
  ///   result's finding.
  func run() throws -> Result {
    let newest = try ofExport { () throws(CommandFailure) in
      try EvidenceFile.checkpoint("\(directory)/\(ExportWriter.newestName)")
    }
    let origin = newest.checkpoint.origin
    let (keys, first) = try keys(of: origin)
    let entries = Entries()
    let verification: AuditVerification
    var signer: VerifierKey?
    do {
      let result = try verify(newest, keys, entries)
      signer = try newest.verified(by: keys)
      verification = result
    } catch let finding as AuditVerification.Finding {
      verification = AuditVerification(size: newest.size, finding: finding)
    }
    return Result(
      verification: verification, entries: entries.finish(), newest: newest, signer: signer,
      isSignerReplaced: signer != nil && signer != keys.last, first: first)
  }

  /// The digest of the lines.
  private final class Entries {
    private var hasher = SHA256Hasher()

    func add(_ line: [UInt8]) {
      hasher.update(line.rawSpan)
      hasher.update([UInt8(ascii: "\n")].rawSpan)
    }

    func finish() -> Digest256 {
      let hasher = exchange(&hasher, with: SHA256Hasher())
      return hasher.finish()
    }
  }

  /// The keys that are believed for the log `origin`, and the one that everything else follows from.
  ///
  /// Where the export is of a restored store, it may have keys and notes of the log before: they are
  /// that log's, and nothing is believed for them.
  private func keys(
    of origin: String
  ) throws(CommandFailure) -> (all: [VerifierKey], first: VerifierKey) {
    let path = "\(directory)/\(ExportWriter.keysName)"
    let bytes = try EvidenceFile.read(path)
    let listed = VerifierKeyFile.keys(in: bytes).filter { $0.name == origin }
    var pinned = Array(listed.prefix(1))
    if let publicKeyPath {
      pinned = VerifierKeyFile.keys(in: try EvidenceFile.read(publicKeyPath))
    }
    guard let first = pinned.first else {
      throw CommandFailure(.invalid, "\(publicKeyPath ?? path) holds no verifier key")
    }
    let trusted = try TrustedKeys.walk(from: pinned, over: bytes, of: path)
    let keys = trusted.filter { $0.name == origin }
    guard !keys.isEmpty else {
      throw CommandFailure(
        .refused,
        "the export is of the log \(origin), and \(publicKeyPath ?? path) holds no key of it: a "
          + "restored store has a log of its own, whose first key cadenas keys public-key prints")
    }
    guard !listed.isEmpty, Set(listed).isSubset(of: keys),
      VerifierKeyFile.isConsistent(bytes, for: origin)
    else {
      throw CommandFailure(
        .refused, "\(path) holds something else than the trusted key and those that it leads to")
    }
    return (keys, first)
  }

  /// What `body` reads of the export itself: what it cannot is the export's fault.
  private func ofExport<R>(_ body: () throws(CommandFailure) -> R) throws(CommandFailure) -> R {
    do throws(CommandFailure) { return try body() } catch {
      throw CommandFailure(.refused, error.message)
    }
  }

  private func verify(
    _ newest: SignedCheckpoint, _ keys: [VerifierKey], _ entries: Entries
  ) throws -> AuditVerification {
    var others = try checkpoints()
    if let sincePath {
      others.append(KeptCheckpoints.Row(try EvidenceFile.checkpoint(sincePath)))
    }
    var verifier = ExportVerifier(newest, and: others, trusting: keys)
    let file = try LineFile("\(directory)/\(ExportWriter.entriesName)")
    do {
      let rest = try file.forEach(longest: AuditLimits.lineBytes) { line in
        if verifier.count < digestEnd { entries.add(line) }
        for tile in try verifier.add(line.rawSpan) { try compare(tile) }
        visit(line.rawSpan)
      }
      guard rest.isEmpty else {
        throw AuditVerification.Finding(sequence: verifier.count, reason: .entryMalformed)
      }
      let result = try verifier.finish()
      for tile in verifier.partialTiles { try compare(tile) }
      return result
    } catch let finding as AuditVerification.Finding {
      // A line before it may be another one, and well-formed.
      for tile in verifier.openTiles { try compare(tile, isBroken: true) }
      throw finding
    }
  }

  private func checkpoints() throws -> [KeptCheckpoints.Row] {
    let path = "\(directory)/\(ExportWriter.checkpointsName)"
    let names: [String]
    do throws(SystemFailure) {
      names = try Directory.names(in: path, atMost: Self.mostCheckpoints + 1)
    } catch {
      if error.errno == ENOENT { return [] }
      throw CommandFailure(.unavailable, "\(path) cannot be read")
    }
    var checkpoints: [KeptCheckpoints.Row] = []
    for name in names {
      guard let size = UInt64(name), size > 0, checkpoints.count < Self.mostCheckpoints else {
        throw CommandFailure(.refused, "\(path)/\(Console.printable(name)) is no checkpoint")
      }
      let bytes = try ofExport { () throws(CommandFailure) in
        try EvidenceFile.read("\(path)/\(name)")
      }
      checkpoints.append(KeptCheckpoints.Row(size: size, note: bytes))
    }
    return checkpoints
  }

  /// Compares hashes with those that the export has as a file.
  ///
  /// - Parameter isBroken: whether there are fewer than the file has, since a line was not one.
  private func compare(_ tile: LogTiles.Tile, isBroken: Bool = false) throws {
    let width = UInt64(1) << UInt64(TreeNode.levelsInTile * tile.level)
    let first = (tile.index << UInt64(TreeNode.levelsInTile)) * width
    guard let bytes = hashes(of: tile, isBroken: isBroken) else {
      if isBroken { return }
      throw AuditVerification.Finding(sequence: first, reason: .hashMissing)
    }
    let other = (0..<tile.bytes.count).first { $0 >= bytes.count || bytes[$0] != tile.bytes[$0] }
    if let other {
      throw AuditVerification.Finding(
        sequence: first + UInt64(other / Digest256.byteCount) * width,
        reason: tile.level == 0 ? .hashMismatch : .nodeMismatch)
    }
    guard isBroken || bytes.count == tile.bytes.count else {
      throw AuditVerification.Finding(sequence: first, reason: .hashMissing)
    }
  }

  private func hashes(of tile: LogTiles.Tile, isBroken: Bool) -> [UInt8]? {
    guard isBroken else { return try? EvidenceFile.read("\(directory)/\(tile.path)") }
    // The whole tile, or the widest partial one.
    for width in stride(from: Int(TreeNode.tileWidth), to: 0, by: -1) {
      let path = "\(directory)/\(tile.path(width: width))"
      if unsafe access(path, R_OK) == 0 { return try? EvidenceFile.read(path) }
    }
    return nil
  }
}
