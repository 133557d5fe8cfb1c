internal import Bytes
package import Cards
package import Cryptography
package import SecretMemory

/// What stands in clear before a record's nonce, and is bound to it by the tag.
///
/// Layout: `version(1) = 1 ‖ key id(4) ‖ merchant number(4)`, big-endian.
package struct CardRecordHeader: Hashable, Sendable {
  /// How many bytes a header has.
  package static let byteCount = 9

  /// The data key under which the record is sealed.
  package let keyIdentifier: KeyIdentifier
  /// The merchant to whom the card belongs.
  package let merchant: UInt32

  /// Makes the header of a record that is about to be sealed.
  package init(keyIdentifier: KeyIdentifier, merchant: UInt32) {
    self.keyIdentifier = keyIdentifier
    self.merchant = merchant
  }

  /// Reads the header of a record. It is not to be believed before the record has been opened.
  ///
  /// - Throws: ``RecordError/malformed``, ``RecordError/unsupportedVersion(_:)``.
  package init(of record: RawSpan) throws(RecordError) {
    guard record.byteCount > 0 else { throw .malformed }
    guard record.byte(0) == CardRecord.version else { throw .unsupportedVersion(record.byte(0)) }
    guard record.byteCount == CardRecord.byteCount else { throw .malformed }
    keyIdentifier = KeyIdentifier(UInt32(record.bigEndian(1..<5)))
    merchant = UInt32(record.bigEndian(5..<9))
  }

  func append(to bytes: inout [UInt8]) {
    bytes.append(CardRecord.version)
    bytes.append(bigEndian: keyIdentifier.value)
    bytes.append(bigEndian: merchant)
  }

  /// What a record is bound to: its header ‖ token(16).
  func associatedData(_ token: Token) -> InlineArray<25, UInt8> {
    var data = InlineArray<25, UInt8>(repeating: CardRecord.version)
    var span = data.mutableSpan
    unsafe span.withUnsafeMutableBytes { bytes in
      unsafe bytes.storeBytes(of: keyIdentifier.value.bigEndian, toByteOffset: 1, as: UInt32.self)
      unsafe bytes.storeBytes(of: merchant.bigEndian, toByteOffset: 5, as: UInt32.self)
      unsafe bytes.storeBytes(
        of: token.bytes, toByteOffset: CardRecordHeader.byteCount,
        as: InlineArray<16, UInt8>.self)
    }
    return data
  }
}

/// A card as it lies in the store, version 1.
///
/// Layout: `header(9) ‖ nonce(24) ‖ ciphertext(112) ‖ tag(16)`, XAES-256-GCM with the associated
/// data `header(9) ‖ token(16)`. The plaintext is laid out in ``CardPlaintext``.
package enum CardRecord {
  /// The version that is written, the first byte of a record.
  package static let version: UInt8 = 1
  /// How many bytes the plaintext has, whatever the card.
  package static let plaintextByteCount = CardPlaintext.byteCount
  /// How many bytes a record has.
  package static let byteCount =
    CardRecordHeader.byteCount + XAES256GCM.nonceSize + CardPlaintext.byteCount
    + XAES256GCM.tagSize

  /// Seals a card and appends its record to `output`.
  ///
  /// - Parameters:
  ///   - card: what is kept.
  ///   - token: the key under which the record will lie; the record opens under no other.
  ///   - merchant: the merchant's number.
  ///   - keyIdentifier: the name of the cipher's key.
  ///   - nonce: 24 fresh random bytes.
  ///   - cipher: keyed with the data key.
  ///   - scratch: holds the plaintext meanwhile, at least ``plaintextByteCount`` bytes; it is empty
  ///     and wiped afterwards.
  ///   - output: ordinary memory, since a record is ciphertext.
  /// - Throws: ``RecordError/cipher(_:)``; `output` is then as it was.
  package static func seal(
    _ card: borrowing StoredCard, token: Token, merchant: UInt32, keyIdentifier: KeyIdentifier,
    nonce: RawSpan, cipher: inout XAES256GCM, scratch: inout SecretSlot,
    into output: inout [UInt8]
  ) throws(RecordError) {
    let start = output.count
    let header = CardRecordHeader(keyIdentifier: keyIdentifier, merchant: merchant)
    defer { scratch.removeAll() }
    CardPlaintext.encode(card, into: &scratch)
    output.reserveCapacity(start + byteCount)
    header.append(to: &output)
    output.append(contentsOf: nonce)
    let binding = header.associatedData(token)
    do throws(CryptographyError) {
      try cipher.seal(
        scratch.bytes, nonce: nonce, associatedData: binding.span.rawSpan,
        appendingTo: &output)
    } catch {
      output.removeSubrange(start...)
      throw RecordError(error)
    }
  }

  /// Opens a record.
  ///
  /// - Parameters:
  ///   - record: the whole record.
  ///   - token: the key under which it lies.
  ///   - cipher: keyed with the data key that the header names.
  ///   - scratch: holds the plaintext meanwhile, at least ``plaintextByteCount`` bytes; it is empty
  ///     and wiped afterwards.
  ///   - slot: takes the card's number.
  /// - Returns: the card.
  /// - Throws: ``RecordError/malformed``, ``RecordError/unsupportedVersion(_:)``,
  ///   ``RecordError/authenticationFailed``, ``RecordError/invalidContent``,
  ///   ``RecordError/cipher(_:)``.
  package static func open(
    _ record: RawSpan, token: Token, cipher: inout XAES256GCM, scratch: inout SecretSlot,
    slot: consuming SecretSlot
  ) throws(RecordError) -> StoredCard {
    let header = try CardRecordHeader(of: record)
    let nonceEnd = CardRecordHeader.byteCount + XAES256GCM.nonceSize
    let nonce = record.extracting(CardRecordHeader.byteCount..<nonceEnd)
    let sealed = record.extracting(nonceEnd...)
    let binding = header.associatedData(token)
    defer { scratch.removeAll() }
    try unsafe ciphered(
      scratch.fill(count: plaintextByteCount) { buffer throws(CryptographyError) in
        try unsafe cipher.open(
          sealed, nonce: nonce, associatedData: binding.span.rawSpan, into: buffer)
      })
    return try CardPlaintext.decode(scratch.bytes, slot: slot)
  }
}
