internal import Bytes
package import Cryptography

/// The public half of a key that signs notes, under the name that it signs as.
///
/// As text, `NAME+HASH+KEY`: the name, the key hash in eight lower-case hexadecimal digits, and in
/// base 64 the algorithm (1, Ed25519) and the 32 bytes of the public key.
/// - Source: C2SP signed-note, "Signatures" and "Verifier keys".
package struct VerifierKey: Hashable, Sendable {
  /// The longest name, in bytes.
  package static let mostNameBytes = 255
  /// The number of Ed25519 among the algorithms of signed notes.
  private static let ed25519: UInt8 = 1

  /// Who signs; for the audit log `cadenas/STOREID`.
  package let name: String
  /// The key that verifies the signatures.
  package let publicKey: Ed25519PublicKey
  /// The first four bytes of SHA-256(name ‖ line feed ‖ 1 ‖ public key), big-endian: it tells the
  /// keys of one name apart, and proves nothing.
  package let hash: UInt32

  /// - Returns: nil for a name that is empty or too long, or holds white space, a control character
  ///   or `+`.
  package init?(name: String, publicKey: Ed25519PublicKey) {
    guard Self.isValid(name) else { return nil }
    self.name = name
    self.publicKey = publicKey
    let bytes = Array(name.utf8) + [UInt8(ascii: "\n"), Self.ed25519] + publicKey.bytes
    let digest = Digest256.sha256(bytes.rawSpan)
    hash = UInt32(digest.bytes.rawSpan.bigEndian(0..<4))
  }

  /// Reads what ``text`` says.
  ///
  /// - Returns: nil where it has another form or algorithm, or where the hash does not fit.
  package init?(_ text: String) {
    let parts = text.utf8.split(separator: UInt8(ascii: "+"), maxSplits: 2)
    guard parts.count == 3, let name = String(parts[0]),
      let key = Base64.decode(parts[2]), key.first == Self.ed25519,
      let publicKey = Ed25519PublicKey(key.rawSpan.extracting(droppingFirst: 1))
    else { return nil }
    self.init(name: name, publicKey: publicKey)
    // What is written in another way than ours is refused too.
    guard self.text.utf8.elementsEqual(text.utf8) else { return nil }
  }

  /// What the name of every key of a store begins with.
  package static let namePrefix = "cadenas/"

  /// The name of the keys that sign for a store.
  package static func name(ofStore identifier: [UInt8]) -> String {
    namePrefix + identifier.hexadecimal
  }

  /// The key hash in eight lower-case hexadecimal digits.
  package var hashText: String { hash.bigEndianBytes.hexadecimal }

  /// `NAME+HASH+KEY`.
  package var text: String {
    "\(name)+\(hashText)+" + Base64.encode([Self.ed25519] + publicKey.bytes)
  }

  static func isValid(_ name: String) -> Bool {
    (1...mostNameBytes).contains(name.utf8.count)
      && !name.unicodeScalars.contains {
        $0 == "+" || $0.properties.isWhitespace || $0.properties.generalCategory == .control
      }
  }
}
