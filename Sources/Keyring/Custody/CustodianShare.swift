internal import Bytes
import Cryptography
package import RecordFormat
package import SecretMemory

/// One custodian's share, encrypted under their passphrase: what is in their file, and on their
/// paper.
///
/// - Source: the text is described in ``ShareText``, what it encrypts in `SealedShare`.
package struct CustodianShare: Equatable, Sendable {
  /// How many bytes a passphrase has.
  package static let passphraseByteCounts = 12...1_024

  /// How many bytes a text has at most.
  package static let mostTextBytes = ShareText.mostBytes

  /// What the share says of itself. It is proved by ``open(passphrase:)``.
  package let header: ShareHeader
  /// The encrypted share.
  package let sealed: SealedShare

  /// Reads a text, as it was written or typed in again.
  ///
  /// - Throws: ``KeyringError/custody(_:)`` with ``CustodyProblem/shareText(_:)``, which names the line
  ///   and group of a mistake, or ``CustodyProblem/unsupportedShare``.
  package init(parsing text: RawSpan) throws(KeyringError) {
    (header, sealed) = try ShareText.read(text)
  }

  /// Encrypts a share of 32 bytes.
  ///
  /// - Throws: ``CustodyProblem/passphraseLength(custodian:)``, ``KeyringError/systemUnavailable``.
  init(
    sealing share: RawSpan, _ header: ShareHeader, passphrase: borrowing SecretBytes,
    cost: Argon2id.Parameters
  ) throws(KeyringError) {
    try Self.checkLength(of: passphrase, custodian: header.custodian)
    do {
      var random = try RandomPool()
      let salt = try random.bytes(count: Argon2id.saltSize)
      let nonce = try random.bytes(count: XAES256GCM.nonceSize)
      sealed = try SealedShare.seal(
        share, header: header, passphrase: passphrase.bytes, cost: cost, salt: salt.rawSpan,
        nonce: nonce.rawSpan)
    } catch {
      throw .systemUnavailable
    }
    self.header = header
  }

  /// The text of the file, in ASCII. Nothing in it opens without the passphrase.
  package var text: String { ShareText.write(header, sealed) }

  /// The share, decrypted. Takes as long, and as much memory, as Argon2id has to.
  ///
  /// - Throws: ``CustodyProblem/wrongPassphrase(custodian:)``,
  ///   ``CustodyProblem/passphraseLength(custodian:)``, ``KeyringError/systemUnavailable``.
  package func open(passphrase: borrowing SecretBytes) throws(KeyringError) -> SecretBytes {
    try Self.checkLength(of: passphrase, custodian: header.custodian)
    do throws(RecordError) {
      return try sealed.open(header: header, passphrase: passphrase.bytes)
    } catch {
      switch error {
      case .authenticationFailed, .malformed:
        throw .custody(.wrongPassphrase(custodian: header.custodian))
      case .unsupportedVersion, .invalidContent, .tooLarge, .memoryUnavailable, .cipher:
        throw .systemUnavailable
      }
    }
  }

  /// What the transcript calls the share's check value: ten hexadecimal digits, which a custodian
  /// compares.
  package func checkValue(ofOpened share: borrowing SecretBytes) -> String {
    KeyCheckValue.text(
      CustodianSet.checkValue(
        of: CustodianSet.commitment(
          to: share.bytes, of: header.keyIdentifier, coordinate: header.coordinate)))
  }

  private static func checkLength(
    of passphrase: borrowing SecretBytes, custodian: CustodyName
  ) throws(KeyringError) {
    guard passphraseByteCounts.contains(passphrase.count) else {
      throw .custody(.passphraseLength(custodian: custodian))
    }
  }
}
