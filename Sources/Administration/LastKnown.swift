internal import Bytes
internal import Cryptography
package import Storage
package import VaultManagement

/// What an operator knows of a log from elsewhere: its size and root at some time.
package struct LastKnown: Equatable, Sendable {
  /// The longest checkpoint that is read, in bytes.
  package static let longestCheckpoint = 16_384

  /// Size and root.
  package let log: BackupRecord.Log
  /// The store of whose log a checkpoint is; nil where only size and root were given.
  package let store: StoreIdentifier?

  /// Reads `SIZE:ROOT`: a decimal number, and the root in base 64 or, as `cadenas audit verify` prints
  /// it, in 64 hexadecimal digits. Nil for anything else.
  package init?(_ text: String) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2, let size = Self.size(parts[0]),
      let root = Digest256(hex: parts[1]) ?? Self.digest(parts[1])
    else { return nil }
    log = BackupRecord.Log(size: size, root: root)
    store = nil
  }

  /// Reads a checkpoint whose origin is `cadenas/STOREID`. Its signatures are not looked at: an entry
  /// says what the operator gave. Nil for anything else.
  ///
  /// - Source: C2SP tlog-checkpoint.
  package init?(checkpoint bytes: [UInt8]) {
    guard bytes.count <= Self.longestCheckpoint,
      let text = String(validating: bytes, as: UTF8.self)
    else { return nil }
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    let origin = "cadenas/"
    // The text ends with an empty line, and at least one signature follows.
    guard lines.count >= 5, lines[0].hasPrefix(origin),
      let bytes = [UInt8](hexadecimal: lines[0].dropFirst(origin.utf8.count)),
      let store = StoreIdentifier(bytes), let size = Self.size(lines[1]),
      let root = Self.digest(lines[2]), lines[3...].contains("")
    else { return nil }
    log = BackupRecord.Log(size: size, root: root)
    self.store = store
  }

  private static func size(_ text: Substring) -> UInt64? {
    guard let size = UInt64(text), String(size) == text else { return nil }
    return size
  }

  private static func digest(_ text: Substring) -> Digest256? {
    Base64.decode(text.utf8).flatMap { Digest256($0.rawSpan) }
  }
}
