import Administration
import ArgumentParser
import AuditLog

struct AuditVerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Recompute the log and find the first entry that was changed.",
    discussion: """
      Without --export or --proof, the log of the store: every line, every hash that is noted, the \
      tree over all of them and every signed checkpoint that is kept, while the service goes on. \
      With --since, only what came after a checkpoint that you have kept, and whether the log goes on \
      from it: that is what finds a store that was rolled back or replaced as a whole. (An export is \
      always verified as a whole.)

      --export verifies an export with its files alone, --proof a proof that audit prove has written; \
      neither needs a configuration or a service. --public-key is a file with the verifier key that you \
      trust, as cadenas keys public-key prints it; the keys that came after it are vouched for by it.

      Exit status 0 where nothing was changed, 1 where something was; then the first sequence that is \
      wrong is named.
      """)

  @OptionGroup var common: CommonOptions

  @Option(help: ArgumentHelp("A checkpoint that was kept.", valueName: "file"))
  var since: String?

  @Option(help: ArgumentHelp("Verify an export.", valueName: "dir"))
  var export: String?

  @Option(help: ArgumentHelp("Verify proofs.", valueName: "file"))
  var proof: String?

  @Option(
    name: .customLong("public-key"),
    help: ArgumentHelp("The verifier key that you trust.", valueName: "file"))
  var publicKey: String?

  @Option(help: ArgumentHelp("How the audit keys succeed each other.", valueName: "file"))
  var succession: String?

  func validate() throws {
    guard export == nil || proof == nil else {
      throw ValidationError("--export or --proof, not both")
    }
    guard (proof == nil) || publicKey != nil else {
      throw ValidationError("--proof needs --public-key: a proof is as good as the key")
    }
    guard publicKey == nil || export != nil || proof != nil else {
      throw ValidationError("--public-key goes with --export or --proof")
    }
    guard succession == nil || proof != nil else {
      throw ValidationError("--succession goes with --proof; an export has its own")
    }
  }

  func run() throws {
    if let proof, let publicKey {
      return try ProofCheck(
        path: proof, keys: try TrustedKeys.read(publicKey, succession: succession),
        old: try since.map { try EvidenceFile.checkpoint($0) }, format: common.output.format
      ).run()
    }
    if let export { return try verify(export: export) }
    let kept = try since.map { try EvidenceFile.checkpoint($0) }
    let document = try common.document(
      VerifyAudit(since: kept), offline: true, showing: "verifying the log")
    try tell(document, [])
  }

  private func verify(export directory: String) throws {
    let result = try ExportCheck(
      directory: directory, publicKeyPath: publicKey, sincePath: since
    ).run()
    var facts = [("log", result.origin)]
    if let signer = result.signer {
      let remark = result.isSignerReplaced ? ", which has been replaced since" : ""
      facts.append(("signed by", signer.text + remark))
    }
    if publicKey == nil, common.output.format == .table { Console.complain(result.remark) }
    try tell(result.verification.document, facts)
  }

  private func tell(_ document: [UInt8], _ facts: [(String, String)]) throws {
    try common.output.show(
      document, verdict: { $1 ? intact($0, facts) : changed($0, facts) })
  }

  private func intact(_ result: DocumentView, _ facts: [(String, String)]) -> String {
    var rows = facts
    rows.append(("entries", result.text("size")))
    if let first = result["since"]?.integer, first > 0 {
      rows.append(("verified", "from entry \(first) on, after the checkpoint that was kept"))
    }
    if let archived = result["archived"]?.integer, archived > 0 {
      rows.append(("archived", "\(archived), whose hashes are in the tree"))
    }
    rows.append(("root", result.text("root")))
    rows.append(
      (
        "checkpoints",
        "\(result.text("checkpoints")), of which \(result.text("signatures_verified")) by signature"
      ))
    rows.append(("covered", "the first \(result.text("covered")) entries"))
    if result["checkpoints"]?.integer != 0, result["signatures_verified"]?.integer == 0 {
      rows.append(("not verified", "signatures: the keyring is closed"))
    }
    return Console.styled("intact", .green) + "\n" + TextTable.pairs(rows)
  }

  private func changed(_ result: DocumentView, _ facts: [(String, String)]) -> String {
    Console.styled("changed", .red) + "\n"
      + TextTable.pairs(
        facts + [
          ("first bad sequence", result.text("first_bad_sequence")),
          ("reason", "\(result.text("reason")): \(result.text("detail"))"),
          ("entries", result.text("size")),
        ])
  }
}

/// Verifies proofs with files alone.
struct ProofCheck {
  let path: String
  let keys: [VerifierKey]
  /// A checkpoint that was kept, for a proof of growth.
  let old: SignedCheckpoint?
  let format: FormatOption.Format

  func run() throws {
    let bytes = try EvidenceFile.read(path)
    do throws(AuditError) {
      if bytes.starts(with: "old ".utf8) {
        try verifyConsistency(try ConsistencyProof(parsing: bytes))
      } else {
        try verifyEntries(bytes)
      }
    } catch {
      throw CommandFailure(.refused, "\(path): \(AdministrationError.audit(error).detail)")
    }
  }

  private func verifyConsistency(_ proof: ConsistencyProof) throws(AuditError) {
    guard let old else {
      throw .unverifiedNote("it goes on from a checkpoint: give that as --since")
    }
    let key = try proof.verified(from: old, by: keys)
    tell(
      "{\"verified\":true,\"old\":\(old.size),\"size\":\(proof.checkpoint.size)}\n",
      [
        ("the log of", "\(proof.checkpoint.size) entries"),
        ("goes on from", "\(old.size) entries"), ("signed by", key.text),
      ])
  }

  private func verifyEntries(_ bytes: [UInt8]) throws(AuditError) {
    guard old == nil else {
      throw .unverifiedNote("it is about entries, and --since is for the proof that a log goes on")
    }
    let title = Array((EntryProof.title + "\n").utf8)
    var starts = bytes.indices.filter {
      ($0 == 0 || bytes[$0 - 1] == UInt8(ascii: "\n")) && bytes[$0...].starts(with: title)
    }
    guard starts.first == 0 else { throw .malformedNote("it is no proof") }
    starts.append(bytes.count)
    for (start, end) in zip(starts, starts.dropFirst()) {
      // An empty line stands between two proofs.
      let isLast = end == bytes.count
      let proof = try EntryProof(parsing: Array(bytes[start..<(isLast ? end : end - 1)]))
      let verified = try proof.verified(by: keys)
      let line = String(decoding: proof.line, as: UTF8.self)
      tell(
        "{\"verified\":true,\"size\":\(proof.checkpoint.size),\"entry\":\(line)}\n",
        [
          ("entry", Console.printable(line)), ("in the log of", "\(proof.checkpoint.size) entries"),
          ("signed by", verified.key.text),
        ])
    }
  }

  private func tell(_ json: String, _ rows: [(String, String)]) {
    switch format {
    case .json: Console.write(json)
    case .table:
      Console.write(Console.styled("verified", .green) + "\n" + TextTable.pairs(rows))
    }
  }
}
