import Bytes
import Cards
import Cryptography
import RecordFormat
import Storage

/// Up to where the fingerprint index is complete.
///
/// Layout of the row `mark` (`mark2` for the second table) in the index: `version(1) = 2 ‖ store id(16) ‖ fingerprint key id(4) ‖
/// token(16) ‖ check(8)`, the check being the beginning of the SHA-256 of what stands before it: cards below a
/// mark that has changed would not be looked at. Version 1, of earlier programs, has none. Every deduplicated
/// card whose token is not above `token` has its entry.
struct IndexMark: Equatable, Sendable {
  static let size = 45
  private static let checked = 0..<37

  let storeIdentifier: StoreIdentifier
  let fingerprintKey: KeyIdentifier
  let token: Token

  func encode() -> [UInt8] {
    let row = [2] + storeIdentifier.bytes + fingerprintKey.value.bigEndianBytes + token.array
    return row + Self.check(of: row.rawSpan)
  }

  private static func check(of row: RawSpan) -> [UInt8] {
    Digest256.sha256(row).withBytes { $0.extracting(0..<8).array }
  }
}

extension IndexMark {
  /// Reads a row; nil unless it has the layout.
  init?(_ row: RawSpan) {
    switch (row.byteCount, row.isEmpty ? 0 : row.byte(0)) {
    case (Self.checked.count, 1): break
    case (Self.size, 2):
      let check = Self.check(of: row.extracting(Self.checked))
      guard row.extracting(Self.checked.upperBound..<Self.size).isEqual(to: check) else {
        return nil
      }
    default: return nil
    }
    guard let storeIdentifier = StoreIdentifier(row.extracting(1..<17).array),
      let fingerprintKey = KeyIdentifier(bytes: row.extracting(17..<21)),
      let token = Token(bytes: row.extracting(21..<37))
    else { return nil }
    self.init(storeIdentifier: storeIdentifier, fingerprintKey: fingerprintKey, token: token)
  }
}
