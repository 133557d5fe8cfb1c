internal import Bytes
package import Cryptography

/// A document that the vault gave somebody and signed with its audit key, so that it can be shown to others
/// and an edited one be told.
///
/// It is the text of a note: the title `cadenas/document/v1` and lines `NAME VALUE` in this order: `store`
/// (its identifier in hexadecimal), `kind` (the operation, in the words of the log), `time` (RFC 3339 with
/// milliseconds), `asked-by` (as entries name them), `tree` (size and root of the audit log then, in base 64),
/// `document` (the JSON, on one line).
package struct SignedDocument: Equatable, Sendable {
  /// The first line of the text.
  package static let title = "cadenas/document/v1"

  /// The store's identifier in hexadecimal.
  package let store: String
  /// The operation that gave it, in the words of the log.
  package let kind: String
  /// When, in Unix milliseconds.
  package let timeMilliseconds: UInt64
  /// Who asked for it, as entries name them.
  package let actor: String
  /// How many entries the log had.
  package let treeSize: UInt64
  /// The root over them.
  package let treeRoot: Digest256
  /// JSON, without an end of line.
  package let document: String

  /// Puts one together; ``text`` is what is signed.
  package init(
    store: String, kind: String, timeMilliseconds: UInt64, actor: String, treeSize: UInt64,
    treeRoot: Digest256, document: String
  ) {
    self.store = store
    self.kind = kind
    self.timeMilliseconds = timeMilliseconds
    self.actor = actor
    self.treeSize = treeSize
    self.treeRoot = treeRoot
    self.document = document
  }

  /// The text of the note.
  package var text: String {
    "\(Self.title)\n" + NoteBody.line("store", store) + NoteBody.line("kind", kind)
      + NoteBody.line("time", unixMilliseconds: timeMilliseconds)
      + NoteBody.line("asked-by", actor)
      + NoteBody.line("tree", "\(treeSize) \(Base64.encode(treeRoot.bytes))")
      + NoteBody.line("document", document)
  }

  /// Reads a document out of a note that one of `keys` has signed for its store.
  ///
  /// - Throws: ``AuditError/unverifiedNote(_:)``, ``AuditError/malformedNote(_:)``.
  package init(verifying note: SignedNote, by keys: [VerifierKey]) throws(AuditError) {
    let signers = try note.verified(by: keys)
    var body = try NoteBody(note.text, title: Self.title)
    let store = try body.value("store")
    let kind = try body.value("kind")
    let time = try body.value("time", NoteBody.time)
    let actor = try body.value("asked-by")
    let tree = try body.value("tree", Self.tree)
    self.init(
      store: store, kind: kind, timeMilliseconds: time, actor: actor, treeSize: tree.size,
      treeRoot: tree.root, document: try body.value("document"))
    try body.end()
    let name = VerifierKey.name(ofStore: [UInt8](hexadecimal: store) ?? [])
    guard text == note.text else { throw .malformedNote("it is written in another form") }
    guard signers.contains(where: { $0.name == name }) else {
      throw .unverifiedNote("it is of the store \(store), and the key signs for another")
    }
  }

  private static func tree(_ text: String) -> (size: UInt64, root: Digest256)? {
    let parts = text.split(separator: " ", omittingEmptySubsequences: false)
    guard parts.count == 2, let size = UInt64(parts[0]),
      let bytes = Base64.decode(parts[1].utf8), let root = Digest256(bytes.rawSpan)
    else { return nil }
    return (size, root)
  }
}
