import Bytes
import Cards
import RecordFormat
import Storage

/// Up to where the fingerprint index is complete.
///
/// Layout of the row `mark` (`mark2` for the second table) in the index: `version(1) = 1 ‖ store id(16) ‖ fingerprint key id(4) ‖
/// token(16)`. Every deduplicated card whose token is not above `token` has its entry.
struct IndexMark: Equatable, Sendable {
  static let size = 37

  let storeIdentifier: StoreIdentifier
  let fingerprintKey: KeyIdentifier
  let token: Token

  func encode() -> [UInt8] {
    [1] + storeIdentifier.bytes + fingerprintKey.value.bigEndianBytes + token.array
  }
}

extension IndexMark {
  /// Reads a row; nil unless it has the layout.
  init?(_ row: RawSpan) {
    guard row.byteCount == Self.size, row.byte(0) == 1,
      let storeIdentifier = StoreIdentifier(row.extracting(1..<17).array),
      let fingerprintKey = KeyIdentifier(bytes: row.extracting(17..<21)),
      let token = Token(bytes: row.extracting(21..<37))
    else { return nil }
    self.init(storeIdentifier: storeIdentifier, fingerprintKey: fingerprintKey, token: token)
  }
}
