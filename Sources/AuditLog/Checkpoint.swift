internal import Bytes
package import Cryptography

/// What a log was at one moment: how many entries it had, and the root of the tree over them.
///
/// The text of its note is `ORIGIN ‖ LF ‖ SIZE ‖ LF ‖ ROOT ‖ LF`: the log's name, the size in decimal,
/// the root in base 64.
/// - Source: C2SP tlog-checkpoint.
package struct Checkpoint: Equatable, Sendable {
  /// Which log: `cadenas/STOREID`.
  package let origin: String
  /// The number of entries.
  package let size: UInt64
  /// The RFC 6962 root over them.
  package let root: Digest256

  /// Describes a log.
  package init(origin: String, size: UInt64, root: Digest256) {
    self.origin = origin
    self.size = size
    self.root = root
  }

  /// Reads the text of a note.
  /// - Throws: ``AuditError/malformedNote(_:)``, also for lines after the root, which this log's
  ///   checkpoints do not have.
  package init(parsing text: String) throws(AuditError) {
    let lines = text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    guard lines.count == 4, lines[3].isEmpty, let origin = String(lines[0]),
      VerifierKey.isValid(origin), let number = String(lines[1]), let size = UInt64(number),
      String(size) == number, let bytes = Base64.decode(lines[2]),
      let root = Digest256(bytes.rawSpan)
    else { throw .malformedNote("it is no checkpoint of a log") }
    self.init(origin: origin, size: size, root: root)
  }

  /// The text of the note.
  package var text: String { "\(origin)\n\(size)\n\(Base64.encode(root.bytes))\n" }
}

/// A checkpoint with the signatures under it: of the log, perhaps of witnesses.
package struct SignedCheckpoint: Equatable, Sendable {
  /// The size and root that are signed.
  package let checkpoint: Checkpoint
  /// The note as it was signed.
  package let note: SignedNote

  /// How many entries it covers.
  package var size: UInt64 { checkpoint.size }

  /// Signs a checkpoint with a key of its log.
  /// - Throws: ``AuditError/cannotSign``.
  package init(
    signing checkpoint: Checkpoint, with key: borrowing Ed25519PrivateKey
  ) throws(AuditError) {
    self.checkpoint = checkpoint
    note = try SignedNote(signing: checkpoint.text, as: checkpoint.origin, with: key)
  }

  /// Reads a note; none of its signatures is verified by that.
  /// - Throws: ``AuditError/malformedNote(_:)``.
  package init(parsing bytes: [UInt8]) throws(AuditError) {
    note = try SignedNote(parsing: bytes)
    checkpoint = try Checkpoint(parsing: note.text)
  }

  /// Whether both were signed by the same keys, as far as they say.
  func hasSigner(of other: SignedCheckpoint) -> Bool {
    note.signatures.map(\.keyHash) == other.note.signatures.map(\.keyHash)
  }

  /// Verifies that one of `keys`, being a key of the log, has signed it.
  ///
  /// - Returns: the key.
  /// - Throws: ``AuditError/unverifiedNote(_:)``.
  @discardableResult
  package func verified(by keys: [VerifierKey]) throws(AuditError) -> VerifierKey {
    let own = keys.filter { $0.name.utf8.elementsEqual(checkpoint.origin.utf8) }
    guard let key = try note.verified(by: own).first else {
      throw .unverifiedNote("none of the given keys has signed it")
    }
    return key
  }
}
