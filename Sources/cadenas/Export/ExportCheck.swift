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

  struct Result {
    let verification: AuditVerification
    let origin: String
    /// The key that has signed the checkpoint that the export ends with.
    let signer: VerifierKey?
    /// Whether another key has taken its place since.
    let isSignerReplaced: Bool
    /// The key that everything else follows from.
    let first: VerifierKey
  }

  /// - Throws: ``CommandFailure`` where a file is missing or cannot be read. What was changed is the
  ///   result's finding.
  func run() throws -> Result {
    let keysPath = "\(directory)/\(ExportWriter.keysName)"
    let bytes = try EvidenceFile.read(keysPath)
    let pinned =
      try publicKeyPath.map { VerifierKeyFile.keys(in: try EvidenceFile.read($0)) }
      ?? Array(VerifierKeyFile.keys(in: bytes).prefix(1))
    guard let first = pinned.first else {
      throw CommandFailure(.invalid, "\(publicKeyPath ?? keysPath) holds no verifier key")
    }
    let keys = try TrustedKeys.walk(from: pinned, over: bytes, of: keysPath)
    guard Set(keys) == Set(VerifierKeyFile.keys(in: bytes)), VerifierKeyFile.isWhole(bytes) else {
      throw CommandFailure(
        .refused, "\(keysPath) holds something else than the trusted key and those that it leads to"
      )
    }
    let newest = try ofExport { () throws(CommandFailure) in
      try EvidenceFile.checkpoint("\(directory)/\(ExportWriter.newestName)")
    }
    let origin = newest.checkpoint.origin
    do {
      let verification = try verify(newest, keys)
      let signer = try newest.verified(by: keys)
      return Result(
        verification: verification, origin: origin, signer: signer,
        isSignerReplaced: signer != keys.last, first: first)
    } catch let finding as AuditVerification.Finding {
      return Result(
        verification: AuditVerification(size: newest.size, finding: finding), origin: origin,
        signer: nil, isSignerReplaced: false, first: first)
    }
  }

  /// What `body` reads of the export itself: what it cannot is the export's fault.
  private func ofExport<R>(_ body: () throws(CommandFailure) -> R) throws(CommandFailure) -> R {
    do throws(CommandFailure) { return try body() } catch {
      throw CommandFailure(.refused, error.message)
    }
  }

  private func verify(
    _ newest: SignedCheckpoint, _ keys: [VerifierKey]
  ) throws -> AuditVerification {
    var others = try checkpoints()
    if let sincePath {
      others.append(KeptCheckpoints.Row(try EvidenceFile.checkpoint(sincePath)))
    }
    var verifier = ExportVerifier(newest, and: others, trusting: keys)
    let file = try LineFile("\(directory)/\(ExportWriter.entriesName)")
    do {
      let rest = try file.forEach(longest: AuditLimits.lineBytes) { line in
        for tile in try verifier.add(line.rawSpan) { try compare(tile) }
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
