internal import Bytes
package import Cryptography

/// A text with signatures under it, as C2SP defines signed notes.
///
/// `text ‖ line feed ‖ signatures`, where the text ends with a line feed and each signature is a line
/// `— NAME SIGNATURE`; SIGNATURE is in base 64 the key hash (4 bytes) and, for Ed25519, 64 bytes. What
/// is signed are the bytes of the text.
/// - Source: C2SP signed-note.
package struct SignedNote: Equatable, Sendable {
  /// The longest note, in bytes.
  package static let mostBytes = 1 << 20
  /// Signatures that a note may have; a note that is longer is refused.
  package static let mostSignatures = 100

  /// One line under the text, verified or not.
  package struct Signature: Equatable, Sendable {
    /// Who signed, as the line says.
    package let name: String
    /// Which of the keys of that name.
    package let keyHash: UInt32
    /// The signature itself; of another length than 64 for an algorithm that is not Ed25519.
    package let bytes: [UInt8]
  }

  /// What is signed; ends with a line feed.
  package let text: String
  /// At least one, in the order of their lines.
  package let signatures: [Signature]

  /// Signs `text` as `name`.
  ///
  /// - Throws: ``AuditError/malformedNote(_:)`` where text or name cannot stand in a note;
  ///   ``AuditError/cannotSign``.
  package init(
    signing text: String, as name: String, with key: borrowing Ed25519PrivateKey
  ) throws(AuditError) {
    let bytes = Array(text.utf8)
    try Self.check(text: bytes)
    guard let verifier = VerifierKey(name: name, publicKey: key.publicKey) else {
      throw .malformedNote("the name of the one who signs has no valid form")
    }
    do throws(CryptographyError) {
      let signature = try key.sign(bytes.rawSpan)
      signatures = [Signature(name: name, keyHash: verifier.hash, bytes: signature)]
    } catch { throw .cannotSign }
    self.text = text
  }

  /// Reads a note; none of its signatures is verified by that.
  ///
  /// - Throws: ``AuditError/malformedNote(_:)``.
  package init(parsing bytes: [UInt8]) throws(AuditError) {
    guard bytes.count <= Self.mostBytes else { throw .malformedNote("it is too long") }
    // The last empty line: the text may hold others.
    guard
      let end = bytes.indices.dropLast().last(where: {
        bytes[$0] == Self.lineFeed && bytes[$0 + 1] == Self.lineFeed
      })
    else { throw .malformedNote("no empty line ends its text") }
    let text = Array(bytes[...end])
    try Self.check(text: text)
    guard let string = String(validating: text, as: UTF8.self) else {
      throw .malformedNote("it is not UTF-8")
    }
    self.text = string
    signatures = try Self.signatures(in: bytes[(end + 2)...])
  }

  /// The note as it is written.
  package var encoded: String {
    text + "\n"
      + signatures.map { signature in
        let hash = signature.keyHash.bigEndianBytes
        return "— \(signature.name) \(Base64.encode(hash + signature.bytes))\n"
      }.joined()
  }

  /// Those of `keys` that have signed the text.
  ///
  /// Signatures of others are passed over, since they cannot be verified.
  /// - Throws: ``AuditError/unverifiedNote(_:)`` where none of `keys` has signed, and where a
  ///   signature that claims to be of one of them is not.
  package func verified(by keys: [VerifierKey]) throws(AuditError) -> [VerifierKey] {
    let bytes = Array(text.utf8)
    var found: [VerifierKey] = []
    for signature in signatures {
      let candidates = keys.filter {
        $0.hash == signature.keyHash && $0.name.utf8.elementsEqual(signature.name.utf8)
      }
      guard !candidates.isEmpty else { continue }
      let key = candidates.first {
        $0.publicKey.isValid(signature: signature.bytes.rawSpan, for: bytes.rawSpan)
      }
      guard let key else {
        throw .unverifiedNote("the signature of \(signature.name) is not valid for this text")
      }
      if !found.contains(key) { found.append(key) }
    }
    guard !found.isEmpty else {
      throw .unverifiedNote("none of the given keys has signed it")
    }
    return found
  }
}

extension SignedNote {
  private static let lineFeed = UInt8(ascii: "\n")
  private static let dash = Array("— ".utf8)

  private static func check(text: [UInt8]) throws(AuditError) {
    guard text.count < mostBytes else { throw .malformedNote("it is too long") }
    guard text.last == lineFeed else { throw .malformedNote("its text does not end with a line") }
    guard text.allSatisfy({ $0 >= 0x20 || $0 == lineFeed }) else {
      throw .malformedNote("it holds a control character")
    }
  }

  private static func signatures(
    in bytes: ArraySlice<UInt8>
  ) throws(AuditError) -> [Signature] {
    guard bytes.last == lineFeed else { throw .malformedNote("it has no signature") }
    let lines = bytes.dropLast().split(separator: lineFeed, omittingEmptySubsequences: false)
    guard lines.count <= mostSignatures else { throw .malformedNote("it has too many signatures") }
    var signatures: [Signature] = []
    for line in lines { signatures.append(try signature(line)) }
    return signatures
  }

  private static func signature(_ line: ArraySlice<UInt8>) throws(AuditError) -> Signature {
    let parts = line.dropFirst(dash.count).split(
      separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
    guard line.starts(with: dash), parts.count == 2,
      let name = String(validating: parts[0], as: UTF8.self), VerifierKey.isValid(name),
      let bytes = Base64.decode(parts[1]), bytes.count > 4
    else { throw .malformedNote("a line under its text is no signature") }
    return Signature(
      name: name, keyHash: bytes.prefix(4).reduce(0) { $0 << 8 | UInt32($1) },
      bytes: Array(bytes.dropFirst(4)))
  }
}
