package import AuditLog
import Bytes
package import Cryptography
package import RecordFormat

/// The statement that a key was replaced and guards no card any more, with what proves it.
///
/// It is the text of a note that the audit key signs: a title and lines `NAME VALUE` in this order,
/// times in RFC 3339 with milliseconds, counts in decimal, hashes in base 64:
///
/// | line | value |
/// |---|---|
/// | (title) | `cadenas/rotation-certificate/v1` |
/// | `store` | the store's identifier in hexadecimal |
/// | `kind` | `interim` after a re-encryption, `final` after the destruction |
/// | `role` | what the key was for; no card stands under one that is not `data`, so that its counts are those of the index, or 0 |
/// | `key`, `check-value`, `created`, `deactivated` | the key that was replaced; a check value that is not known is `-` |
/// | `compromised` | when it was known to be compromised; only where it was |
/// | `destroyed`, `destroyed-by` | when and by whom; `final` only |
/// | `successor`, `successor-check-value` | the key that the cards stand under now |
/// | `cards-before` (2) | key and number of cards when the re-encryption began: of the key, of its successor |
/// | `cards-after` (2) | the same at the end: of the key, always 0, and of its successor |
/// | `began`, `ended`, `ran-by` | the re-encryption; all absent where none is known |
/// | `approved-by` (any number) | who approved the destruction |
/// | `entry` (any number) | sequence and leaf hash of each audit entry that proves it, ascending |
/// | `tree` | size and root of the audit log when it was signed, which those entries are in |
package struct RotationCertificate: Equatable, Sendable {
  /// The first line of the text.
  package static let title = "cadenas/rotation-certificate/v1"

  /// What the certificate closes.
  package enum Kind: String, CaseIterable, Sendable {
    /// A re-encryption: no card stands under the key any more, and it still exists.
    case interim
    /// The key's destruction.
    case final
  }

  /// The key that was replaced. Times are Unix milliseconds.
  package struct ReplacedKey: Equatable, Sendable {
    package var identifier: KeyIdentifier
    /// Ten hexadecimal digits; nil where it is not known.
    package var checkValue: String?
    package var createdMilliseconds: UInt64
    package var deactivatedMilliseconds: UInt64
    package var compromisedMilliseconds: UInt64?
  }

  /// When a key ceased to be, and who had it destroyed.
  package struct Destruction: Equatable, Sendable {
    package var atMilliseconds: UInt64
    package var actor: String
  }

  /// The key that the cards stand under now.
  package struct Successor: Equatable, Sendable {
    package var identifier: KeyIdentifier
    package var checkValue: String?
  }

  /// Cards under the two keys at one moment.
  package struct Cards: Equatable, Sendable {
    package var underKey: UInt64
    package var underSuccessor: UInt64
  }

  /// The re-encryption that emptied the key.
  package struct Run: Equatable, Sendable {
    package var beganMilliseconds: UInt64
    package var endedMilliseconds: UInt64
    package var actor: String
  }

  /// An audit entry.
  package struct Proof: Equatable, Sendable {
    package var sequence: UInt64
    /// The hash of its line as a leaf of the log's tree.
    package var leaf: Digest256
  }

  /// The store's identifier in hexadecimal.
  package var store: String
  package var role: KeyRole
  package var key: ReplacedKey
  /// Nil in an interim certificate, and in no final one.
  package var destruction: Destruction?
  package var successor: Successor
  package var before: Cards
  /// What is left under the key is 0.
  package var after: Cards
  package var run: Run?
  package var approvers: [String]
  package var proofs: [Proof]
  package var treeSize: UInt64
  package var treeRoot: Digest256

  /// What the certificate closes.
  package var kind: Kind { destruction == nil ? .interim : .final }
}

// MARK: - As text

extension RotationCertificate {
  /// The text of the note.
  package var text: String {
    var text = "\(Self.title)\n"
    func add(_ name: String, _ value: String) { text += NoteBody.line(name, value) }
    func add(_ name: String, _ time: UInt64) {
      text += NoteBody.line(name, unixMilliseconds: time)
    }
    add("store", store)
    add("kind", kind.rawValue)
    add("role", role.name)
    add("key", key.identifier.text)
    add("check-value", key.checkValue ?? "-")
    add("created", key.createdMilliseconds)
    add("deactivated", key.deactivatedMilliseconds)
    if let time = key.compromisedMilliseconds { add("compromised", time) }
    if let destruction {
      add("destroyed", destruction.atMilliseconds)
      add("destroyed-by", destruction.actor)
    }
    add("successor", successor.identifier.text)
    add("successor-check-value", successor.checkValue ?? "-")
    for (name, cards) in [("cards-before", before), ("cards-after", after)] {
      add(name, "\(key.identifier.text) \(cards.underKey)")
      add(name, "\(successor.identifier.text) \(cards.underSuccessor)")
    }
    if let run {
      add("began", run.beganMilliseconds)
      add("ended", run.endedMilliseconds)
      add("ran-by", run.actor)
    }
    for approver in approvers { add("approved-by", approver) }
    for proof in proofs { add("entry", Self.text(proof.sequence, proof.leaf)) }
    add("tree", Self.text(treeSize, treeRoot))
    return text
  }

  /// Reads the text of a note.
  ///
  /// - Throws: `AuditError.malformedNote` for anything that ``text`` does not write.
  package init(parsing text: String) throws(AuditError) {
    var body = try NoteBody(text, title: Self.title)
    store = try body.value("store", Self.storeText)
    let kind = try body.value("kind", Kind.init)
    role = try body.value("role") { name in KeyRole.allCases.first { $0.name == name } }
    let identifier = try body.value("key", KeyIdentifier.init)
    key = ReplacedKey(
      identifier: identifier, checkValue: try Self.checkValue(of: "check-value", in: &body),
      createdMilliseconds: try body.value("created", NoteBody.time),
      deactivatedMilliseconds: try body.value("deactivated", NoteBody.time),
      compromisedMilliseconds: try body.values("compromised", NoteBody.time).first)
    if kind == .final {
      destruction = Destruction(
        atMilliseconds: try body.value("destroyed", NoteBody.time),
        actor: try body.value("destroyed-by"))
    }
    let following = try body.value("successor", KeyIdentifier.init)
    successor = Successor(
      identifier: following, checkValue: try Self.checkValue(of: "successor-check-value", in: &body)
    )
    before = try Self.cards("cards-before", of: identifier, following, in: &body)
    after = try Self.cards("cards-after", of: identifier, following, in: &body)
    if let began = try body.values("began", NoteBody.time).first {
      run = Run(
        beganMilliseconds: began, endedMilliseconds: try body.value("ended", NoteBody.time),
        actor: try body.value("ran-by"))
    }
    approvers = try body.values("approved-by") { $0 }
    proofs = try body.values("entry") { Self.proof($0) }
    let tree = try body.value("tree") { Self.proof($0) }
    treeSize = tree.sequence
    treeRoot = tree.leaf
    try body.end()
    guard self.text.utf8.elementsEqual(text.utf8), isPlausible else {
      throw .malformedNote("it is written in another form")
    }
  }

  /// Whether it says what a certificate says: nothing left, and proofs that are in the tree.
  private var isPlausible: Bool {
    after.underKey == 0 && key.identifier != successor.identifier
      && proofs.allSatisfy { $0.sequence < treeSize }
      && zip(proofs, proofs.dropFirst()).allSatisfy { $0.sequence < $1.sequence }
  }

  private static func text(_ number: UInt64, _ digest: Digest256) -> String {
    "\(number) \(Base64.encode(digest.bytes))"
  }

  private static func proof(_ text: String) -> Proof? {
    let parts = text.split(separator: " ", omittingEmptySubsequences: false)
    guard parts.count == 2, let number = UInt64(parts[0]),
      let bytes = Base64.decode(parts[1].utf8), let digest = Digest256(bytes.rawSpan)
    else { return nil }
    return Proof(sequence: number, leaf: digest)
  }

  private static func storeText(_ text: String) -> String? {
    [UInt8](hexadecimal: text)?.count == 16 ? text : nil
  }

  private static func checkValue(
    of name: String, in body: inout NoteBody
  ) throws(AuditError) -> String? {
    let text = try body.value(name)
    if text == "-" { return nil }
    guard [UInt8](hexadecimal: text)?.count == KeyringEntry.checkValueByteCount else {
      throw .malformedNote("the value of \"\(name)\" does not have its form")
    }
    return text
  }

  private static func cards(
    _ name: String, of key: KeyIdentifier, _ successor: KeyIdentifier, in body: inout NoteBody
  ) throws(AuditError) -> Cards {
    func count(_ identifier: KeyIdentifier) -> (String) -> UInt64? {
      { text in
        guard text.hasPrefix(identifier.text + " ") else { return nil }
        return UInt64(text.dropFirst(identifier.text.count + 1))
      }
    }
    return Cards(
      underKey: try body.value(name, count(key)),
      underSuccessor: try body.value(name, count(successor)))
  }
}

// MARK: - As a note

extension RotationCertificate {
  /// Reads a certificate out of a note that one of `keys` has signed.
  ///
  /// - Throws: `AuditError.unverifiedNote` where none has, and where the one that has signs for another
  ///   store than the certificate is about; `AuditError.malformedNote`.
  package init(verifying note: SignedNote, by keys: [VerifierKey]) throws(AuditError) {
    let signers = try note.verified(by: keys)
    try self.init(parsing: note.text)
    let name = VerifierKey.name(ofStore: [UInt8](hexadecimal: store) ?? [])
    guard signers.contains(where: { $0.name == name }) else {
      throw .unverifiedNote("it is about the store \(store), and the key signs for another")
    }
  }
}
