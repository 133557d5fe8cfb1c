internal import Bytes
package import Cryptography
import SecretMemory

/// What stands in clear before the keyring's nonce, and is bound to it by the tag.
///
/// Layout: `version(1) ‖ KEK id(4) ‖ generation(8)`, big-endian.
package struct KeyringHeader: Hashable, Sendable {
  /// How many bytes a header has.
  package static let byteCount = 13

  /// The version of the blob.
  let version: UInt8
  /// The key under which the keyring is wrapped.
  package let kekIdentifier: KeyIdentifier
  /// Counts the keyrings of a store, so that an older one is known as such.
  package let generation: UInt64

  /// Makes the header of a keyring that is about to be wrapped.
  package init(kekIdentifier: KeyIdentifier, generation: UInt64) {
    version = KeyringBlob.version
    self.kekIdentifier = kekIdentifier
    self.generation = generation
  }

  /// Reads the header of a wrapped keyring. It is not to be believed before that has been opened.
  ///
  /// - Throws: ``RecordError/malformed``, ``RecordError/unsupportedVersion(_:)``.
  package init(of blob: RawSpan) throws(RecordError) {
    guard blob.byteCount > 0 else { throw .malformed }
    version = blob.byte(0)
    guard (1...KeyringBlob.version).contains(version) else { throw .unsupportedVersion(version) }
    guard (KeyringBlob.smallest...KeyringBlob.largest).contains(blob.byteCount) else {
      throw .malformed
    }
    kekIdentifier = KeyIdentifier(UInt32(blob.bigEndian(1..<5)))
    generation = blob.bigEndian(5..<13)
  }

  /// What a keyring is bound to: `"cadenas/keyring/v" ‖ version as a digit ‖ store id(16) ‖
  /// KEK id(4) ‖ generation(8)`.
  func associatedData(store: RawSpan) -> [UInt8] {
    precondition(store.byteCount == 16, "a store id has 16 bytes")
    var bytes = Array("cadenas/keyring/v\(version)".utf8)
    bytes.append(contentsOf: store)
    bytes.append(bigEndian: kekIdentifier.value)
    bytes.append(bigEndian: generation)
    return bytes
  }
}

/// The keyring as it lies in the store, version 2. Version 1 is read too.
///
/// Layout: `header(13) ‖ nonce(24) ‖ ciphertext ‖ tag(16)`, XAES-256-GCM under the KEK. The
/// plaintext is `count(2)` and that many entries, numbers big-endian, 0 for a time or a key that
/// is not there:
///
/// - version 2: `id(4) ‖ role(1) ‖ state(1) ‖ origin(1) ‖ created(8) ‖ cryptoperiod(8) ‖
///   deactivated(8) ‖ compromised(8) ‖ destroyed(8) ‖ successor(4) ‖ check value(5) ‖ length(1) ‖
///   material`;
/// - version 1: `id(4) ‖ role(1) ‖ state(1) ‖ created(8) ‖ cryptoperiod(8) ‖ deactivated(8) ‖
///   length(1) ‖ material`.
package enum KeyringBlob {
  /// The version that is written, the first byte of the blob.
  package static let version: UInt8 = 2
  /// How many entries a keyring holds at most.
  package static let mostEntries = 4_096

  static let entryByteCount = 57
  private static let entryByteCountOfVersion1 = 31
  private static let frame =
    KeyringHeader.byteCount + XAES256GCM.nonceSize + XAES256GCM.tagSize
  static let smallest = frame + 2
  static let largest = frame + 2 + mostEntries * (entryByteCount + 255)

  /// Wraps a keyring.
  ///
  /// - Parameters:
  ///   - entries: the keys, each identifier once.
  ///   - header: names the KEK and counts the keyring.
  ///   - store: the 16 bytes of the store's id; the keyring opens in no other store.
  ///   - nonce: 24 fresh random bytes.
  ///   - cipher: keyed with the KEK.
  /// - Returns: the whole blob.
  /// - Throws: ``RecordError/invalidContent`` for an identifier that occurs twice and for material
  ///   where there must be none, or none where there must be; ``RecordError/tooLarge``;
  ///   ``RecordError/memoryUnavailable``; ``RecordError/cipher(_:)``.
  package static func seal(
    _ entries: [KeyringEntry], header: KeyringHeader, store: RawSpan, nonce: RawSpan,
    cipher: inout XAES256GCM
  ) throws(RecordError) -> [UInt8] {
    let plaintext = try encode(entries)
    let binding = header.associatedData(store: store)
    var blob: [UInt8] = [version]
    blob.append(bigEndian: header.kekIdentifier.value)
    blob.append(bigEndian: header.generation)
    blob.append(contentsOf: nonce)
    try ciphered(
      cipher.seal(
        plaintext.bytes, nonce: nonce, associatedData: binding.rawSpan, appendingTo: &blob))
    return blob
  }

  /// Unwraps a keyring.
  ///
  /// - Parameters:
  ///   - blob: the whole blob.
  ///   - store: the 16 bytes of the store's id.
  ///   - cipher: keyed with the KEK that the header names.
  /// - Returns: the keys, each with its material in secret memory of its own.
  /// - Throws: ``RecordError/malformed``, ``RecordError/unsupportedVersion(_:)``,
  ///   ``RecordError/authenticationFailed``, ``RecordError/invalidContent``,
  ///   ``RecordError/memoryUnavailable``, ``RecordError/cipher(_:)``.
  package static func open(
    _ blob: RawSpan, store: RawSpan, cipher: inout XAES256GCM
  ) throws(RecordError) -> [KeyringEntry] {
    let header = try KeyringHeader(of: blob)
    let binding = header.associatedData(store: store)
    let nonceEnd = KeyringHeader.byteCount + XAES256GCM.nonceSize
    let nonce = blob.extracting(KeyringHeader.byteCount..<nonceEnd)
    let sealed = blob.extracting(nonceEnd...)
    var plaintext = try remembered(SecretBytes(count: sealed.byteCount - XAES256GCM.tagSize))
    try unsafe ciphered(
      plaintext.withMutableBytes { buffer throws(CryptographyError) in
        try unsafe cipher.open(
          sealed, nonce: nonce, associatedData: binding.rawSpan, into: buffer)
      })
    return try decode(plaintext.bytes, version: header.version)
  }
}

// MARK: - Plaintext

extension KeyringBlob {
  private static func encode(_ entries: [KeyringEntry]) throws(RecordError) -> SecretBytes {
    guard entries.count <= mostEntries else { throw .tooLarge }
    guard entries.allSatisfy(\.isValid), Set(entries.map(\.identifier)).count == entries.count
    else { throw .invalidContent }
    let count = entries.reduce(2) { $0 + entryByteCount + ($1.material?.count ?? 0) }
    var secret = try remembered(SecretBytes(count: count))
    var offset = 0
    put(UInt64(entries.count), bytes: 2, &secret, &offset)
    for entry in entries {
      put(UInt64(entry.identifier.value), bytes: 4, &secret, &offset)
      put(UInt64(entry.role.rawValue), bytes: 1, &secret, &offset)
      put(UInt64(entry.state.rawValue), bytes: 1, &secret, &offset)
      put(UInt64(entry.origin.rawValue), bytes: 1, &secret, &offset)
      put(entry.createdMilliseconds, bytes: 8, &secret, &offset)
      put(entry.cryptoperiodSeconds, bytes: 8, &secret, &offset)
      put(entry.deactivatedMilliseconds ?? 0, bytes: 8, &secret, &offset)
      put(entry.compromisedMilliseconds ?? 0, bytes: 8, &secret, &offset)
      put(entry.destroyedMilliseconds ?? 0, bytes: 8, &secret, &offset)
      put(UInt64(entry.successor?.value ?? 0), bytes: 4, &secret, &offset)
      for byte in entry.checkValue ?? noCheckValue {
        put(UInt64(byte), bytes: 1, &secret, &offset)
      }
      put(UInt64(entry.material?.count ?? 0), bytes: 1, &secret, &offset)
      entry.material?.withUnprotectedKeyBytes { bytes in
        for index in bytes.byteOffsets {
          put(UInt64(bytes.byte(index)), bytes: 1, &secret, &offset)
        }
      }
    }
    precondition(offset == count, "every byte has been written")
    return secret
  }

  /// Writes the lowest `bytes` bytes of a number at `offset`, big-endian, and steps over them.
  private static func put(
    _ number: UInt64, bytes: Int, _ secret: inout SecretBytes, _ offset: inout Int
  ) {
    let start = offset
    unsafe secret.withMutableBytes { buffer in
      for index in 0..<bytes {
        unsafe buffer[start + index] = UInt8(
          truncatingIfNeeded: number >> UInt64(8 * (bytes - 1 - index)))
      }
    }
    offset += bytes
  }

  private static func decode(
    _ plaintext: RawSpan, version: UInt8
  ) throws(RecordError) -> [KeyringEntry] {
    let count = Int(plaintext.bigEndian(0..<2))
    guard count <= mostEntries else { throw .invalidContent }
    let fixed = version == 1 ? entryByteCountOfVersion1 : entryByteCount
    var entries: [KeyringEntry] = []
    var identifiers: Set<KeyIdentifier> = []
    var rest = plaintext.extracting(2...)
    for _ in 0..<count {
      guard rest.byteCount >= fixed else { throw .invalidContent }
      let end = fixed + Int(rest.byte(fixed - 1))
      guard rest.byteCount >= end else { throw .invalidContent }
      let material = try decodeMaterial(rest.extracting(fixed..<end))
      let entry =
        version == 1
        ? try decodeVersion1(rest.extracting(..<fixed), material)
        : try decodeVersion2(rest.extracting(..<fixed), material)
      guard entry.isValid, identifiers.insert(entry.identifier).inserted else {
        throw .invalidContent
      }
      entries.append(entry)
      rest = rest.extracting(end...)
    }
    guard rest.isEmpty else { throw .invalidContent }
    return entries
  }

  private static func decodeVersion2(
    _ bytes: RawSpan, _ material: KeyMaterial?
  ) throws(RecordError) -> KeyringEntry {
    guard let role = KeyRole(rawValue: bytes.byte(4)),
      let state = KeyState(rawValue: bytes.byte(5)),
      let origin = KeyOrigin(rawValue: bytes.byte(6))
    else { throw .invalidContent }
    let successor = UInt32(bytes.bigEndian(47..<51))
    let checkValue = (51..<56).map { bytes.byte($0) }
    return KeyringEntry(
      identifier: KeyIdentifier(UInt32(bytes.bigEndian(0..<4))), role: role, state: state,
      origin: origin, createdMilliseconds: bytes.bigEndian(7..<15),
      cryptoperiodSeconds: bytes.bigEndian(15..<23),
      deactivatedMilliseconds: time(bytes.bigEndian(23..<31)),
      compromisedMilliseconds: time(bytes.bigEndian(31..<39)),
      destroyedMilliseconds: time(bytes.bigEndian(39..<47)),
      successor: successor == 0 ? nil : KeyIdentifier(successor),
      checkValue: checkValue == noCheckValue ? nil : checkValue, material: material)
  }

  private static func decodeVersion1(
    _ bytes: RawSpan, _ material: KeyMaterial?
  ) throws(RecordError) -> KeyringEntry {
    guard let role = KeyRole(rawValue: bytes.byte(4)), let state = KeyState(rawValue: bytes.byte(5))
    else { throw .invalidContent }
    return KeyringEntry(
      identifier: KeyIdentifier(UInt32(bytes.bigEndian(0..<4))), role: role, state: state,
      createdMilliseconds: bytes.bigEndian(6..<14), cryptoperiodSeconds: bytes.bigEndian(14..<22),
      deactivatedMilliseconds: time(bytes.bigEndian(22..<30)), material: material)
  }

  private static let noCheckValue = [UInt8](repeating: 0, count: KeyringEntry.checkValueByteCount)

  private static func time(_ milliseconds: UInt64) -> UInt64? {
    milliseconds == 0 ? nil : milliseconds
  }

  private static func decodeMaterial(_ bytes: RawSpan) throws(RecordError) -> KeyMaterial? {
    bytes.isEmpty ? nil : KeyMaterial(try remembered(SecretBytes(copying: bytes)))
  }
}
