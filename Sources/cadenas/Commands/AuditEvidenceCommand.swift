import Administration
import ArgumentParser
import AuditLog
import Cryptography
import Glibc
import JSON
import Keyring
import RecordFormat
import SystemCalls

struct AuditEvidenceCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evidence",
    abstract: "Write one folder with everything that an assessor asks for.",
    discussion: """
      The whole log as audit export writes it, the report of the period, the inventory, the keys and what \
      happened to them, certificates, who may do what, backups, requests that wait, and how the service is; \
      SHA256SUMS names every file, and is written last. Nothing of a card is in it. Verify it anywhere: sha256sum \
      --check SHA256SUMS, and cadenas audit verify --export DIR/log --public-key FILE. Each document \
      leaves its own entry, and the log comes after them.
      """)

  @OptionGroup var common: CommonOptions

  @Option(help: ArgumentHelp("A directory that is not there yet.", valueName: "dir"))
  var to: String

  @Option(
    help: ArgumentHelp(
      "The beginning of the report's period: 2026-11-01. Thirty days before the end, unless given.",
      valueName: "time"))
  var from: String?

  @Option(
    help: ArgumentHelp(
      "The end; a date includes its whole day. Now, unless given.", valueName: "time"))
  var until: String?

  func run() throws {
    guard unsafe mkdir(to, 0o750) == 0 else { throw CommandFailure.system(to) }
    var names: [String] = []
    func add(_ name: String, _ bytes: [UInt8]) throws {
      try OutputFile.create("\(to)/\(name)", with: bytes)
      names.append(name)
    }
    for part in EvidencePart.all {
      try add(part.name, document(part) + [UInt8(ascii: "\n")])
    }
    let keys = try common.document(ShowKeys(), offline: true)
    try add("keys.json", keys + [UInt8(ascii: "\n")])
    for (key, note) in try certificates(of: DocumentView(keys)) {
      try add("certificate-\(key).txt", note)
    }
    try report(to: "\(to)/report.html")
    names.append("report.html")
    let export = try ExportRun(config: common.config, directory: "\(to)/log").run()
    names += try Self.files(below: to, in: "log")
    let sums = try names.map { name in
      guard let digest = FileDigest.sha256(of: "\(to)/\(name)") else {
        throw CommandFailure.system("\(to)/\(name)")
      }
      return "\(digest)  \(name)\n"
    }
    try OutputFile.create("\(to)/SHA256SUMS", with: Array(sums.joined().utf8))
    switch common.output.format {
    case .json:
      Console.write("{\"files\":\(names.count),\"entries\":\(export.verification.size)}\n")
    case .table:
      Console.write(
        TextTable.pairs([
          ("evidence", to), ("files", "\(names.count), named by \(to)/SHA256SUMS"),
          ("entries of the log", "\(export.verification.size)"),
        ]))
    }
  }

  /// The files of a folder and of those in it, by their names below `root`.
  private static func files(below root: String, in folder: String) throws -> [String] {
    try Directory.names(in: "\(root)/\(folder)").sorted().flatMap { name -> [String] in
      let path = "\(folder)/\(name)"
      var status = stat()
      guard unsafe stat("\(root)/\(path)", &status) == 0 else {
        throw CommandFailure.system("\(root)/\(path)")
      }
      return status.st_mode & S_IFMT == S_IFDIR ? try files(below: root, in: path) : [path]
    }
  }

  private func document(_ part: EvidencePart) throws -> [UInt8] {
    do { return try common.document(part.operation, offline: part.isOffline) } catch {
      // What cannot be told is said in its place: a folder without it would look as if nobody had asked.
      guard !part.isOffline else { throw error }
      return JSONWriter.document { json in
        json.member("unavailable", string: CommandFailure(error).message)
      }
    }
  }

  /// The certificates of those keys that have one.
  private func certificates(
    of keys: DocumentView
  ) throws -> [(key: String, note: [UInt8])] {
    var found: [(key: String, note: [UInt8])] = []
    for key in keys.rows("keys") where key.text("state") != "active" {
      guard let identifier = KeyIdentifier(key.text("id")),
        let document = try? common.document(
          ShowKeyCertificate(identifier, nil), offline: true)
      else { continue }
      found.append((identifier.text, Array(try DocumentView(document).text("note").utf8)))
    }
    return found
  }

  /// As `audit report` makes it.
  private func report(to path: String) throws {
    var arguments = ["--html", path, "--config", common.config.path, "--format", "json"]
    if let from { arguments += ["--from", from] }
    if let until { arguments += ["--to", until] }
    let command = try AuditReportCommand.parse(arguments)
    try command.write()
  }
}

/// One document of the folder.
private struct EvidencePart {
  let name: String
  let operation: any AdminOperation
  /// Whether it can be told without a service.
  var isOffline = true

  static let all = [
    EvidencePart(name: "status.json", operation: ShowStatus(), isOffline: false),
    EvidencePart(name: "access.json", operation: ShowAccess()),
    EvidencePart(name: "inventory.json", operation: ShowInventory()),
    EvidencePart(name: "key-history.json", operation: ShowKeyHistory(nil)),
    EvidencePart(name: "backups.json", operation: ListBackups()),
    EvidencePart(name: "approvals.json", operation: ListApprovals(), isOffline: false),
  ]
}
