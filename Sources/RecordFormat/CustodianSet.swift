internal import Bytes
package import Cryptography

/// Who holds a share of a key-encryption key, version 1: kept by the store in clear, so that a sealed
/// vault knows whom to ask, and knows a wrong share by its custodian's name as soon as it is entered.
///
/// Layout, numbers big-endian: `version(1) = 1 ‖ KEK id(4) ‖ check value(5) ‖ created(8) ‖
/// threshold(1) ‖ count(1) ‖ length(1) ‖ vault` and, for each custodian in the order of their
/// coordinates, which are 1 to count, `length(1) ‖ name ‖ commitment(32)`.
///
/// A commitment is the SHA-256 of `"cadenas/share/v1" ‖ KEK id(4) ‖ coordinate(1) ‖ share(32)`. Of a
/// share, 32 random bytes, it tells nothing to anybody who does not have that share.
package struct CustodianSet: Equatable, Sendable {
  /// The version that is written, the first byte of the row.
  package static let version: UInt8 = 1
  /// How many custodians there may be.
  package static let custodianCounts = SecretSharing.shareCounts
  /// How many bytes the check value of a KEK has.
  package static let checkValueByteCount = KeyringEntry.checkValueByteCount

  /// Somebody who holds a share.
  package struct Custodian: Equatable, Sendable {
    /// Their name; the set has it once, whatever the case of its letters.
    package let name: CustodyName
    /// What their share has to be.
    package let commitment: Digest256

    /// Names a custodian.
    package init(name: CustodyName, commitment: Digest256) {
      self.name = name
      self.commitment = commitment
    }
  }

  /// The key that the shares rebuild.
  package let keyIdentifier: KeyIdentifier
  /// Its check value, five bytes.
  package let checkValue: [UInt8]
  /// When the shares were made, in milliseconds since 1970-01-01T00:00:00Z.
  package let createdMilliseconds: UInt64
  /// How many shares rebuild the key.
  package let threshold: Int
  /// What the vault is called.
  package let vault: CustodyName
  /// The custodians; the first has the share with the coordinate 1.
  package let custodians: [Custodian]

  /// Puts a set together; nil unless 2 ≤ threshold ≤ custodians ≤ 15, every name occurs once and the
  /// check value has five bytes.
  package init?(
    keyIdentifier: KeyIdentifier, checkValue: [UInt8], createdMilliseconds: UInt64, threshold: Int,
    vault: CustodyName, custodians: [Custodian]
  ) {
    guard Self.custodianCounts.contains(custodians.count),
      (2...custodians.count).contains(threshold), checkValue.count == Self.checkValueByteCount,
      Set(custodians.map { $0.name.text.lowercased() }).count == custodians.count
    else { return nil }
    self.keyIdentifier = keyIdentifier
    self.checkValue = checkValue
    self.createdMilliseconds = createdMilliseconds
    self.threshold = threshold
    self.vault = vault
    self.custodians = custodians
  }

  /// The bytes of the row.
  package func encode() -> [UInt8] {
    var row: [UInt8] = [Self.version]
    row.append(bigEndian: keyIdentifier.value)
    row += checkValue
    row.append(bigEndian: createdMilliseconds)
    row += [UInt8(threshold), UInt8(custodians.count)]
    row.append(vault)
    for custodian in custodians {
      row.append(custodian.name)
      row += custodian.commitment.bytes
    }
    return row
  }

  /// Reads a row.
  ///
  /// - Throws: ``RecordError/unsupportedVersion(_:)``; ``RecordError/malformed`` for whatever
  ///   ``encode()`` would not have written.
  package init(of row: RawSpan) throws(RecordError) {
    guard row.byteCount > 0 else { throw .malformed }
    guard row.byte(0) == Self.version else { throw .unsupportedVersion(row.byte(0)) }
    guard row.byteCount > 20 else { throw .malformed }
    var rest = row.extracting(20...)
    let vault = try Self.takeName(&rest)
    var custodians: [Custodian] = []
    for _ in 0..<row.byte(19) {
      let name = try Self.takeName(&rest)
      guard rest.byteCount >= Digest256.byteCount,
        let commitment = Digest256(rest.extracting(..<Digest256.byteCount))
      else { throw .malformed }
      rest = rest.extracting(Digest256.byteCount...)
      custodians.append(Custodian(name: name, commitment: commitment))
    }
    let set = CustodianSet(
      keyIdentifier: KeyIdentifier(UInt32(row.bigEndian(1..<5))),
      checkValue: (5..<10).map { row.byte($0) }, createdMilliseconds: row.bigEndian(10..<18),
      threshold: Int(row.byte(18)), vault: vault, custodians: custodians)
    guard rest.isEmpty, let set else { throw .malformed }
    self = set
  }

  /// Takes `length(1) ‖ name` from the beginning of `rest`.
  private static func takeName(_ rest: inout RawSpan) throws(RecordError) -> CustodyName {
    guard rest.byteCount > 0 else { throw .malformed }
    let end = 1 + Int(rest.byte(0))
    guard rest.byteCount >= end, let name = CustodyName(rest.extracting(1..<end)) else {
      throw .malformed
    }
    rest = rest.extracting(end...)
    return name
  }

  /// The commitment to a share.
  package static func commitment(
    to share: RawSpan, of key: KeyIdentifier, coordinate: Int
  ) -> Digest256 {
    var prefix = Array("cadenas/share/v1".utf8)
    prefix.append(bigEndian: key.value)
    prefix.append(UInt8(coordinate))
    var hasher = SHA256Hasher()
    hasher.update(prefix.rawSpan)
    hasher.update(share)
    return hasher.finish()
  }

  /// Five bytes of a commitment, by which a custodian compares their share with the transcript.
  package static func checkValue(of commitment: Digest256) -> [UInt8] {
    Array(commitment.bytes.prefix(checkValueByteCount))
  }
}
