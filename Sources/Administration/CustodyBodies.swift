internal import Bytes
internal import Keyring
package import RecordFormat
package import SecretMemory

/// What a custodian enters: `length(2, big-endian) ‖ passphrase ‖ the share's text`.
package enum ShareBody {
  private static let headerSize = 2

  /// Puts the body together.
  ///
  /// - Parameter passphrase: less than 65,536 bytes.
  /// - Throws: `SecretMemoryError`.
  package static func make(
    passphrase: borrowing SecretBytes, text: [UInt8]
  ) throws(SecretMemoryError) -> AdminBody {
    let length = passphrase.count
    var body = try SecretBytes(count: headerSize + length + text.count)
    var buffer = body.mutableBytes
    buffer.put(UInt16(truncatingIfNeeded: length).bigEndianBytes.rawSpan, at: 0)
    buffer.put(passphrase.bytes, at: headerSize)
    buffer.put(text.rawSpan, at: headerSize + length)
    return AdminBody(body)
  }

  /// Lends passphrase and text to `use`; nil where the body has another form.
  static func read<R>(
    _ body: AdminBody, _ use: (borrowing SecretBytes, RawSpan) throws -> R
  ) throws -> R? {
    try body.withBytes { bytes in
      guard bytes.byteCount >= headerSize else { return nil }
      let length = Int(bytes.bigEndian(0..<headerSize))
      guard bytes.byteCount >= headerSize + length else { return nil }
      let passphrase = try SecretBytes(
        copying: bytes.extracting(headerSize..<headerSize + length))
      return try use(passphrase, bytes.extracting((headerSize + length)...))
    }
  }
}

/// A KEK and who holds its shares: `key(32) ‖ cryptoperiod in seconds(8, big-endian), 0 for the policy's
/// ‖ the set as the store keeps it`.
package enum CustodyBody {
  private static let periodSize = 8

  /// Puts the body together.
  ///
  /// - Throws: `SecretMemoryError`.
  package static func make(
    key: RawSpan, set: CustodianSet, cryptoperiodSeconds: UInt64?
  ) throws(SecretMemoryError) -> AdminBody {
    let period = cryptoperiodSeconds ?? 0
    let row = period.bigEndianBytes + set.encode()
    var body = try SecretBytes(count: key.byteCount + row.count)
    var buffer = body.mutableBytes
    buffer.put(key, at: 0)
    buffer.put(row.rawSpan, at: key.byteCount)
    return AdminBody(body)
  }

  /// A key and its holders.
  struct Custody {
    let key: KeyEncryptionKey
    let set: CustodianSet
    /// Nil for that of the policy.
    let cryptoperiodSeconds: UInt64?
  }

  /// What the body says; nil where it has another form.
  static func read(_ body: AdminBody) throws(SecretMemoryError) -> Custody? {
    try body.withBytes { bytes throws(SecretMemoryError) in
      let size = Keyring.keySize
      let setStart = size + periodSize
      guard bytes.byteCount > setStart,
        let set = try? CustodianSet(of: bytes.extracting(setStart...))
      else { return nil }
      let period = bytes.bigEndian(size..<setStart)
      let secret = try SecretBytes(copying: bytes.extracting(..<size))
      return Custody(
        key: KeyEncryptionKey(set.keyIdentifier, secret), set: set,
        cryptoperiodSeconds: period == 0 ? nil : period)
    }
  }
}
