internal import Bytes
package import Cryptography
package import SecretMemory

/// What is said of a share in clear, on paper and in its file, and is bound to it by its tag.
package struct ShareHeader: Equatable, Sendable {
  /// What the vault is called.
  package let vault: CustodyName
  /// The key that the shares rebuild.
  package let keyIdentifier: KeyIdentifier
  /// The key's check value, five bytes.
  package let checkValue: [UInt8]
  /// Who holds the share.
  package let custodian: CustodyName
  /// Where the share lies on its polynomials: 1 to ``count``.
  package let coordinate: Int
  /// How many shares rebuild the key.
  package let threshold: Int
  /// How many shares there are.
  package let count: Int
  /// When it was made, in milliseconds since 1970-01-01T00:00:00Z.
  package let createdMilliseconds: UInt64

  /// Puts a header together; nil unless 2 ≤ threshold ≤ count ≤ 15, 1 ≤ coordinate ≤ count and the
  /// check value has five bytes.
  package init?(
    vault: CustodyName, keyIdentifier: KeyIdentifier, checkValue: [UInt8], custodian: CustodyName,
    coordinate: Int, threshold: Int, count: Int, createdMilliseconds: UInt64
  ) {
    guard CustodianSet.custodianCounts.contains(count), (2...count).contains(threshold),
      (1...count).contains(coordinate), checkValue.count == CustodianSet.checkValueByteCount
    else { return nil }
    self.vault = vault
    self.keyIdentifier = keyIdentifier
    self.checkValue = checkValue
    self.custodian = custodian
    self.coordinate = coordinate
    self.threshold = threshold
    self.count = count
    self.createdMilliseconds = createdMilliseconds
  }
}

/// A share of a KEK, encrypted under its custodian's passphrase, version 1.
///
/// Layout, 100 bytes, numbers big-endian:
///
/// | offset | bytes | content |
/// |---|---|---|
/// | 0 | 1 | version, 1 |
/// | 1 | 4 | KEK id |
/// | 5 | 1 | coordinate |
/// | 6 | 1 | threshold |
/// | 7 | 1 | number of shares |
/// | 8 | 1 | passes of Argon2id |
/// | 9 | 3 | memory of Argon2id, in KiB |
/// | 12 | 16 | salt |
/// | 28 | 24 | nonce |
/// | 52 | 32 | ciphertext |
/// | 84 | 16 | tag |
///
/// XAES-256-GCM under the key of 32 bytes that Argon2id makes of passphrase and salt, with the
/// associated data `"cadenas/custodian-share/v1" ‖ bytes 0 to 27 ‖ check value of the KEK(5) ‖
/// created(8) ‖ length(1) ‖ vault ‖ length(1) ‖ custodian`.
package struct SealedShare: Equatable, Sendable {
  /// The version that is written, the first byte.
  package static let version: UInt8 = 1
  /// How many bytes a sealed share has.
  package static let byteCount = 100
  /// How many bytes a share has.
  package static let shareByteCount = 32
  /// What a new share costs whoever tries a passphrase: three passes over 256 MiB.
  package static let standardCost = Argon2id.Parameters(passes: 3, memoryKibibytes: 256 << 10)
  /// How many passes a share may ask for. A file can be anybody's.
  package static let allowedPasses: ClosedRange<UInt32> = 2...16
  /// How much memory a share may ask for, in KiB: 64 MiB to 1 GiB.
  package static let allowedMemoryKibibytes: ClosedRange<UInt32> = 64 << 10...1 << 20

  private static let saltStart = 12
  private static let nonceStart = 28
  private static let sealedStart = 52

  /// The 100 bytes.
  package let bytes: [UInt8]

  /// The key that the shares rebuild.
  package var keyIdentifier: KeyIdentifier {
    KeyIdentifier(UInt32(bytes.rawSpan.bigEndian(1..<5)))
  }
  /// Where the share lies on its polynomials.
  package var coordinate: Int { Int(bytes[5]) }
  /// How many shares rebuild the key.
  package var threshold: Int { Int(bytes[6]) }
  /// How many shares there are.
  package var count: Int { Int(bytes[7]) }
  /// What trying a passphrase costs.
  package var cost: Argon2id.Parameters { Self.cost(in: bytes.rawSpan) }

  /// Takes the bytes of a sealed share, and refuses costs beyond the bounds before anybody pays
  /// them.
  ///
  /// - Throws: ``RecordError/malformed``, ``RecordError/unsupportedVersion(_:)``.
  package init(_ bytes: [UInt8]) throws(RecordError) {
    guard bytes.count == Self.byteCount else { throw .malformed }
    guard bytes[0] == Self.version else { throw .unsupportedVersion(bytes[0]) }
    guard Self.isAllowed(Self.cost(in: bytes.rawSpan)) else { throw .malformed }
    self.bytes = bytes
  }

  private static func cost(in bytes: RawSpan) -> Argon2id.Parameters {
    Argon2id.Parameters(
      passes: UInt32(bytes.byte(8)), memoryKibibytes: UInt32(bytes.bigEndian(9..<12)))
  }

  private static func isAllowed(_ cost: Argon2id.Parameters) -> Bool {
    allowedPasses.contains(cost.passes) && allowedMemoryKibibytes.contains(cost.memoryKibibytes)
  }

  /// Encrypts a share.
  ///
  /// - Parameters:
  ///   - share: 32 bytes.
  ///   - header: what the share is bound to.
  ///   - passphrase: its custodian's.
  ///   - cost: within ``allowedPasses`` and ``allowedMemoryKibibytes``.
  ///   - salt: 16 fresh random bytes.
  ///   - nonce: 24 fresh random bytes.
  /// - Throws: ``RecordError/malformed`` for another length or cost;
  ///   ``RecordError/memoryUnavailable``, ``RecordError/cipher(_:)``.
  package static func seal(
    _ share: RawSpan, header: ShareHeader, passphrase: RawSpan, cost: Argon2id.Parameters,
    salt: RawSpan, nonce: RawSpan
  ) throws(RecordError) -> SealedShare {
    guard share.byteCount == shareByteCount, salt.byteCount == Argon2id.saltSize,
      nonce.byteCount == XAES256GCM.nonceSize, isAllowed(cost)
    else { throw .malformed }
    var bytes: [UInt8] = [version]
    bytes.append(bigEndian: header.keyIdentifier.value)
    bytes += [UInt8(header.coordinate), UInt8(header.threshold), UInt8(header.count)]
    bytes.append(bigEndian: UInt32(cost.passes) << 24 | cost.memoryKibibytes)
    bytes.append(contentsOf: salt)
    let binding = binding(of: bytes, to: header)
    bytes.append(contentsOf: nonce)
    do throws(CryptographyError) {
      let key = try Argon2id.deriveKey(from: passphrase, salt: salt, cost)
      var cipher = try XAES256GCM(key: key.bytes)
      try cipher.seal(
        share, nonce: nonce, associatedData: binding.rawSpan, appendingTo: &bytes)
    } catch {
      throw RecordError(error)
    }
    return try SealedShare(bytes)
  }

  /// Decrypts the share.
  ///
  /// - Throws: ``RecordError/malformed`` where `header` says another key, coordinate, threshold or
  ///   count; ``RecordError/authenticationFailed`` for another passphrase, another header, and for a
  ///   share that was altered; ``RecordError/memoryUnavailable``, ``RecordError/cipher(_:)``.
  package func open(header: ShareHeader, passphrase: RawSpan) throws(RecordError) -> SecretBytes {
    guard header.keyIdentifier == keyIdentifier, header.coordinate == coordinate,
      header.threshold == threshold, header.count == count
    else { throw .malformed }
    let binding = Self.binding(of: Array(bytes[..<Self.nonceStart]), to: header)
    let span = bytes.rawSpan
    do throws(CryptographyError) {
      let key = try Argon2id.deriveKey(
        from: passphrase, salt: span.extracting(Self.saltStart..<Self.nonceStart), cost)
      var cipher = try XAES256GCM(key: key.bytes)
      var share = try SecretBytes.forCryptography(count: Self.shareByteCount)
      try unsafe share.withMutableBytes { buffer throws(CryptographyError) in
        try unsafe cipher.open(
          span.extracting(Self.sealedStart...),
          nonce: span.extracting(Self.nonceStart..<Self.sealedStart),
          associatedData: binding.rawSpan, into: buffer)
      }
      return share
    } catch {
      throw RecordError(error)
    }
  }

  /// The associated data.
  private static func binding(of clear: [UInt8], to header: ShareHeader) -> [UInt8] {
    var bytes = Array("cadenas/custodian-share/v1".utf8) + clear + header.checkValue
    bytes.append(bigEndian: header.createdMilliseconds)
    bytes.append(header.vault)
    bytes.append(header.custodian)
    return bytes
  }
}
