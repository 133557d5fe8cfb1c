import Administration
import ArgumentParser
import AuditLog

struct KeysPublicKeyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "public-key",
    abstract: "Print the public keys that verify what the audit keys sign.",
    discussion: """
      Each is a C2SP verifier key. Note the first one outside of this host: every later one is \
      vouched for by the one before it, in the notes that follow the keys.
      """)

  @OptionGroup var common: CommonOptions

  func run() throws {
    try common.show(ShowPublicKeys(), offline: true, VerifierKeyFile.text(of:))
  }
}

/// The text that `keys public-key` prints: lines with verifier keys, lines that begin with `#` and say
/// something about them, and notes of successions with an empty line before each.
enum VerifierKeyFile {
  /// The text of the document of `keys public-key`.
  static func text(of document: DocumentView) -> String {
    var text = ""
    for key in document.rows("keys") {
      text += "# \(key.text("id")), \(key.text("state")), created \(key.text("created"))\n"
      if let verifier = key["verifier_key"], verifier.text != "-" {
        text += verifier.text + "\n"
      } else {
        text += "# it has signed nothing of this log\n"
      }
    }
    for succession in document.rows("successions") {
      text += "\n" + succession.text("note")
    }
    return text
  }

  /// The verifier keys that stand on lines of their own, outside of notes; other lines are passed over.
  static func keys(in bytes: [UInt8]) -> [VerifierKey] {
    bytes.split(separator: UInt8(ascii: "\n"))
      .compactMap { VerifierKey(String(decoding: $0, as: UTF8.self)) }
  }

  /// Whether there is nothing but keys, notes of successions, remarks and empty lines.
  static func isWhole(_ bytes: [UInt8]) -> Bool {
    guard let notes = try? successions(in: bytes) else { return false }
    let lineFeed = UInt8(ascii: "\n")
    let inNotes = notes.reduce(0) { $0 + $1.encoded.utf8.split(separator: lineFeed).count }
    let lines = bytes.split(separator: lineFeed)
    let remarks = lines.count { $0.first == UInt8(ascii: "#") }
    return keys(in: bytes).count + inNotes + remarks == lines.count
  }

  /// Whether nothing in it contradicts itself: every note is signed by the key that it replaces; those
  /// about the log `origin` are about keys that stand there; and a key of another log, which programs
  /// before wrote into the exports of a restored store, has a note about it.
  static func isConsistent(_ bytes: [UInt8], for origin: String) -> Bool {
    guard isWhole(bytes), let notes = try? successions(in: bytes) else { return false }
    let listed = Set(keys(in: bytes))
    var parties: Set<VerifierKey> = []
    for note in notes {
      guard let body = try? KeySuccession(parsing: note.text),
        body.old.key.name == body.new.key.name,
        (try? note.verified(by: [body.old.key])) != nil
      else { return false }
      parties.formUnion([body.old.key, body.new.key])
    }
    return parties.allSatisfy { $0.name != origin || listed.contains($0) }
      && listed.allSatisfy { $0.name == origin || parties.contains($0) }
  }

  /// The notes of successions, each from its title to its last signature.
  static func successions(in bytes: [UInt8]) throws(AuditError) -> [SignedNote] {
    let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    let title = Array(KeySuccession.title.utf8)
    let signature = Array("— ".utf8)
    var notes: [SignedNote] = []
    var note: [UInt8]?
    for (index, line) in lines.enumerated() {
      if line.elementsEqual(title) { note = [] }
      guard note != nil else { continue }
      note?.append(contentsOf: line)
      note?.append(UInt8(ascii: "\n"))
      let isLast = index + 1 == lines.count || !lines[index + 1].starts(with: signature)
      if line.starts(with: signature), isLast {
        notes.append(try SignedNote(parsing: note ?? []))
        note = nil
      }
    }
    guard note == nil else { throw .malformedNote("a succession has no signature") }
    return notes
  }
}
