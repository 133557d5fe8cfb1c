internal import Bytes
package import Cards
package import Cryptography

/// What the vault remembers of a request with an idempotency key, version 1.
///
/// Layout, numbers big-endian:
///
/// | offset | bytes | content |
/// |---|---|---|
/// | 0 | 1 | version, 1 |
/// | 1 | 1 | state: 1 running, 2 done |
/// | 2 | 4 | id of the key of the request digest |
/// | 6 | 32 | request digest |
/// | 38 | 8 | end, in milliseconds since 1970-01-01T00:00:00Z |
/// | 46 | 16 | payment id, zero for none |
/// | 62 | 16 | token, zero for none |
/// | 78 | 2 | status of the answer, 0 while running |
/// | 80 | 4 | id of the data key that seals the answer, 0 while running |
/// | 84 | 24 | nonce, zero while running |
/// | 108 | n + 16 | the answer's body, sealed: ciphertext ‖ tag; nothing while running |
///
/// The answer is bound to `row key(32) ‖ the 84 bytes before the nonce`.
package struct IdempotencyRow: Hashable, Sendable {
  /// The version that is written, the first byte of a row.
  package static let version: UInt8 = 1
  /// How many bytes the body of an answer has at most.
  package static let longestAnswer = 65_536
  /// How many bytes a row without an answer has.
  package static let runningByteCount = 108

  private static let headerByteCount = 84
  private static let endOffset = 38

  /// Whether the first request is still being worked on.
  package enum State: Hashable, Sendable {
    /// No answer yet; at a start, a request of which nobody knows how it ended.
    case running
    /// Answered, with this status; the body is sealed under this data key.
    case done(status: UInt16, dataKey: KeyIdentifier)
  }

  /// The fingerprint key of ``requestDigest``.
  package let digestKey: KeyIdentifier
  /// The keyed digest of the request's canonical form.
  package let requestDigest: Digest256
  /// When the row has no meaning any more, in milliseconds since 1970-01-01T00:00:00Z.
  package let expiresMilliseconds: UInt64
  /// The payment that the request began, if it did.
  package let payment: PaymentIdentifier?
  /// The token that the request made or named, if any.
  package let token: Token?
  /// Whether the first request is still being worked on.
  package let state: State

  /// Makes a row of a request that is being worked on.
  package init(
    digestKey: KeyIdentifier, requestDigest: Digest256, expiresMilliseconds: UInt64,
    payment: PaymentIdentifier?, token: Token?, state: State = .running
  ) {
    self.digestKey = digestKey
    self.requestDigest = requestDigest
    self.expiresMilliseconds = expiresMilliseconds
    self.payment = payment
    self.token = token
    self.state = state
  }

  /// The bytes of a row of a request that is being worked on; ``state`` must be that.
  package func encodeRunning() -> [UInt8] {
    precondition(state == .running, "a row with an answer is sealed")
    return header() + [UInt8](repeating: 0, count: XAES256GCM.nonceSize)
  }

  /// The bytes of a row with its answer; ``state`` must be `done`.
  ///
  /// - Parameters:
  ///   - answer: the body, at most ``longestAnswer`` bytes; it holds nothing of a card in clear.
  ///   - rowKey: the key under which the row lies; the answer opens under no other.
  ///   - nonce: 24 fresh random bytes.
  ///   - cipher: keyed with the data key that ``state`` names.
  /// - Returns: the whole row.
  /// - Throws: ``RecordError/tooLarge``, ``RecordError/cipher(_:)``.
  package func seal(
    answer: RawSpan, rowKey: Digest256, nonce: RawSpan, cipher: inout XAES256GCM
  ) throws(RecordError) -> [UInt8] {
    precondition(state != .running, "a row without an answer has nothing to seal")
    guard answer.byteCount <= IdempotencyRow.longestAnswer else { throw .tooLarge }
    let header = header()
    let binding = rowKey.bytes + header
    var row = header
    row.append(contentsOf: nonce)
    try ciphered(
      cipher.seal(answer, nonce: nonce, associatedData: binding.rawSpan, appendingTo: &row))
    return row
  }

  /// Reads what stands in clear. Without an answer that opens, it has no proof but the store's own.
  ///
  /// - Throws: ``RecordError/malformed``, ``RecordError/unsupportedVersion(_:)``.
  package init(of row: RawSpan) throws(RecordError) {
    guard row.byteCount > 0 else { throw .malformed }
    guard row.byte(0) == IdempotencyRow.version else { throw .unsupportedVersion(row.byte(0)) }
    guard row.byteCount >= IdempotencyRow.runningByteCount,
      let digest = Digest256(row.extracting(6..<38))
    else { throw .malformed }
    digestKey = KeyIdentifier(UInt32(row.bigEndian(2..<6)))
    requestDigest = digest
    guard let end = IdempotencyRow.end(of: row) else { throw .malformed }
    expiresMilliseconds = end
    let paymentBytes = row.extracting(46..<62)
    let tokenBytes = row.extracting(62..<78)
    payment = PaymentIdentifier(bytes: paymentBytes)
    token = Token(bytes: tokenBytes)
    guard payment != nil || paymentBytes.isZero, token != nil || tokenBytes.isZero else {
      throw .malformed
    }
    let answerByteCount = row.byteCount - IdempotencyRow.runningByteCount
    switch row.byte(1) {
    case 1:
      guard answerByteCount == 0, row.extracting(78...).isZero else { throw .malformed }
      state = .running
    case 2:
      let longest = IdempotencyRow.longestAnswer + XAES256GCM.tagSize
      guard (XAES256GCM.tagSize...longest).contains(answerByteCount) else { throw .malformed }
      state = .done(
        status: UInt16(row.bigEndian(78..<80)),
        dataKey: KeyIdentifier(UInt32(row.bigEndian(80..<84))))
    default:
      throw .malformed
    }
  }

  /// The end, as bytes say that may be damaged elsewhere; nil where they are too few.
  package static func end(of row: RawSpan) -> UInt64? {
    guard row.byteCount >= endOffset + 8 else { return nil }
    return row.bigEndian(endOffset..<endOffset + 8)
  }

  /// Opens the answer of a row that is done.
  ///
  /// - Parameters:
  ///   - row: the whole row.
  ///   - rowKey: the key under which it lies.
  ///   - cipher: keyed with the data key that the row's ``state`` names.
  /// - Returns: the body of the answer.
  /// - Throws: ``RecordError/malformed`` for a row without an answer too,
  ///   ``RecordError/unsupportedVersion(_:)``, ``RecordError/authenticationFailed``,
  ///   ``RecordError/cipher(_:)``.
  package static func openAnswer(
    _ row: RawSpan, rowKey: Digest256, cipher: inout XAES256GCM
  ) throws(RecordError) -> [UInt8] {
    guard try IdempotencyRow(of: row).state != .running else { throw .malformed }
    var binding = rowKey.bytes
    binding.append(contentsOf: row.extracting(..<headerByteCount))
    let nonce = row.extracting(headerByteCount..<runningByteCount)
    let sealed = row.extracting(runningByteCount...)
    var answer = [UInt8](repeating: 0, count: sealed.byteCount - XAES256GCM.tagSize)
    do throws(CryptographyError) {
      var span = answer.mutableSpan
      try unsafe span.withUnsafeMutableBytes { buffer throws(CryptographyError) in
        try unsafe cipher.open(
          sealed, nonce: nonce, associatedData: binding.rawSpan, into: buffer)
      }
    } catch {
      throw RecordError(error)
    }
    return answer
  }

  /// The 84 bytes before the nonce.
  private func header() -> [UInt8] {
    var bytes: [UInt8] = [IdempotencyRow.version, state == .running ? 1 : 2]
    bytes.reserveCapacity(IdempotencyRow.runningByteCount)
    bytes.append(bigEndian: digestKey.value)
    bytes.append(contentsOf: requestDigest.bytes)
    bytes.append(bigEndian: expiresMilliseconds)
    for bound in [payment?.bytes, token?.bytes] {
      bytes.append(contentsOf: (bound ?? InlineArray(repeating: 0)).span.rawSpan)
    }
    switch state {
    case .running: bytes += [0, 0, 0, 0, 0, 0]
    case .done(let status, let dataKey):
      bytes.append(bigEndian: status)
      bytes.append(bigEndian: dataKey.value)
    }
    return bytes
  }
}
