import Administration
import ArgumentParser
import AuditLog
import Cards

struct AuditCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "audit", abstract: "Read, verify, prove and export the audit log.",
    subcommands: [
      AuditShowCommand.self, AuditVerifyCommand.self, AuditProveCommand.self,
      AuditCheckpointCommand.self, AuditExportCommand.self, AuditArchiveCommand.self,
      AuditReportCommand.self, AuditEvidenceCommand.self,
    ])
}

struct AuditCheckpointCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "checkpoint",
    abstract: "Print a signed checkpoint of the log, to be kept somewhere else.",
    discussion: """
      A checkpoint says how many entries the log has and what the root of the tree over them is, \
      signed with the audit key (C2SP tlog-checkpoint). Whoever keeps it, on paper or as a file, can \
      tell later whether the log still begins with the same entries: cadenas audit verify --since \
      FILE. The running service signs one of now; without it, or while it is sealed, the newest that \
      is kept is printed.
      """)

  @OptionGroup var common: CommonOptions

  @Option(help: ArgumentHelp("Write it to a file.", valueName: "file"))
  var to: String?

  func run() throws {
    let document = try common.document(SignCheckpoint(), offline: true)
    let result = try DocumentView(document)
    if let to { try OutputFile.replace(to, with: Array(result.text("note").utf8)) }
    switch common.output.format {
    case .json: Console.write(document + [UInt8(ascii: "\n")])
    case .table:
      if to == nil { Console.write(result.text("note")) }
      let after = result["entries_after"]?.integer ?? 0
      if after > 0 {
        let entries = after == 1 ? "1 entry is" : "\(after) entries are"
        Console.complain("\(entries) newer than this checkpoint")
      }
    }
  }
}

struct AuditProveCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "prove",
    abstract: "Prove that entries are in the log, or that it goes on from a kept checkpoint.",
    discussion: """
      SUBJECT is the sequence of an entry, or a token: then every entry about it is proved. A proof \
      holds the entry, its path through the tree and a signed checkpoint (C2SP tlog-proof), and is \
      verified with nothing but a public key: cadenas audit verify --proof FILE --public-key FILE. \
      With --since, the proof is that the log of now begins with the one of the checkpoint, in the \
      form in which a witness takes it (C2SP tlog-witness).
      """)

  @OptionGroup var common: CommonOptions

  @Argument(help: "A sequence, or a token.")
  var subject: String?

  @Option(help: ArgumentHelp("A checkpoint that was kept.", valueName: "file"))
  var since: String?

  @Option(help: ArgumentHelp("Write the proof to a file.", valueName: "file"))
  var to: String?

  func validate() throws {
    guard (subject == nil) != (since == nil) else {
      throw ValidationError("name an entry or a token, or a checkpoint with --since")
    }
    if subject != nil { _ = try parsed() }
  }

  private func parsed() throws -> ProveAudit.Subject {
    if let since { return .size(try EvidenceFile.checkpoint(since).size) }
    let text = subject ?? ""
    if let sequence = UInt64(text), text.utf8.count < 12 { return .entry(sequence) }
    // What is no token could be a card number: it is not repeated.
    guard Token(text) != nil else {
      throw ValidationError("the subject is neither a sequence nor a token")
    }
    return .token(text)
  }

  func run() throws {
    let document = try common.document(
      ProveAudit(try parsed()), offline: true, showing: "proving")
    let proofs = try DocumentView(document).texts("proofs")
    let text = proofs.joined(separator: "\n")
    if let to { try OutputFile.replace(to, with: Array(text.utf8)) }
    try common.output.show(document) { _ in
      to.map { "\(proofs.count) \(proofs.count == 1 ? "proof" : "proofs") in \($0)\n" } ?? text
    }
  }
}
