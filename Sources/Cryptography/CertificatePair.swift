import Bytes
import COpenSSL

/// Why a chain of certificates and a private key, both from files in PEM, cannot be used for TLS.
package enum CertificatePairProblem: Error, Equatable {
  /// The file of the chain, or of the key, is empty.
  case emptyChain, emptyKey
  /// The file is DER.
  case binaryChain, binaryKey
  /// No block of the file holds a certificate; or a private key.
  case noCertificate, noKey
  /// A certificate cannot be read; or the private key.
  case damagedCertificate, damagedKey
  /// The private key is encrypted with a passphrase.
  case encryptedKey
  /// The private key is of none of the certificates.
  case anotherKey
  /// The private key is of the certificate with this number, from 1, and not of the first.
  case wrongOrder(number: Int)

  /// Whether the file of the private key is at fault.
  package var isOfKey: Bool {
    switch self {
    case .emptyKey, .binaryKey, .noKey, .damagedKey, .encryptedKey, .anotherKey: true
    case .emptyChain, .binaryChain, .noCertificate, .damagedCertificate, .wrongOrder: false
    }
  }

  /// The end of a sentence about the file at fault.
  package var text: String {
    switch self {
    case .emptyChain, .emptyKey: "is empty"
    case .binaryChain, .binaryKey: "is DER, and has to be PEM"
    case .noCertificate: "holds no certificate in PEM"
    case .noKey: "holds no private key in PEM"
    case .damagedCertificate: "holds a certificate that cannot be read"
    case .damagedKey: "holds a private key that cannot be read"
    case .encryptedKey: "is encrypted with a passphrase, which nobody can type at a start"
    case .anotherKey: "is not the private key of the certificate"
    case .wrongOrder(let number):
      "does not begin with the certificate that the private key is of, which is number \(number) in it"
    }
  }

  /// What helps; nil where the text says it.
  package var remedy: String? {
    switch self {
    case .emptyChain, .noCertificate, .damagedCertificate:
      "name the certificate, followed by those of the authorities between it and the root"
    case .emptyKey, .noKey, .damagedKey: nil
    case .binaryChain: "openssl x509 -inform DER -in FILE -out FILE.pem"
    case .binaryKey: "openssl pkey -inform DER -in FILE -out FILE.pem"
    case .encryptedKey: "openssl pkey -in FILE -out FILE.plain; chmod 600 FILE.plain"
    case .anotherKey: "certificate and key are renewed together: name those of the same request"
    case .wrongOrder: "put it first, followed by those of the authorities above it"
    }
  }
}

/// A chain of certificates with its private key.
package enum CertificatePair {
  /// Looks at the content of two files, as a TLS library does that loads them.
  ///
  /// - Parameters:
  ///   - chain: the certificates, the one that the key is of first.
  ///   - key: the private key. Clearing it is left to its owner.
  /// - Throws: ``CertificatePairProblem``, of the chain's file first.
  package static func check(chain: [UInt8], key: [UInt8]) throws(CertificatePairProblem) {
    guard !chain.isEmpty else { throw .emptyChain }
    guard !looksLikeDER(chain) else { throw .binaryChain }
    guard let blocks = PEM.certificates(in: chain) else { throw .damagedCertificate }
    guard !blocks.isEmpty else { throw .noCertificate }
    let privateKey = try PrivateKey(pem: key)
    var number: Int?
    for (index, block) in blocks.enumerated() {
      let certificate = unsafe readDER(
        block.rawSpan, { unsafe d2i_X509(nil, $0, $1) }, free: { unsafe X509_free($0) })
      guard let certificate = unsafe certificate else { throw .damagedCertificate }
      defer { unsafe X509_free(certificate) }
      if number == nil, unsafe privateKey.isOf(certificate) { number = index + 1 }
    }
    guard let number else { throw .anotherKey }
    guard number == 1 else { throw .wrongOrder(number: number) }
  }
}

/// The one owner of a private key of libcrypto.
@safe
private struct PrivateKey: ~Copyable {
  private let pointer: OpaquePointer

  init(pem: [UInt8]) throws(CertificatePairProblem) {
    guard !pem.isEmpty else { throw .emptyKey }
    guard !looksLikeDER(pem) else { throw .binaryKey }
    guard let input = MemoryInput(pem) else { throw .damagedKey }
    defer { ERR_clear_error() }
    var isEncrypted = false
    let pointer = unsafe withUnsafeMutablePointer(to: &isEncrypted) { isEncrypted in
      // Asked for a passphrase, it has none.
      unsafe PEM_read_bio_PrivateKey(
        input.pointer, nil,
        { _, _, _, isEncrypted in
          unsafe isEncrypted?.assumingMemoryBound(to: Bool.self).pointee = true
          return -1
        }, isEncrypted)
    }
    guard let pointer = unsafe pointer else {
      if isEncrypted { throw .encryptedKey }
      let words = Array("PRIVATE KEY-----".utf8)
      let isThere = pem.indices.contains { pem[$0...].starts(with: words) }
      throw isThere ? .damagedKey : .noKey
    }
    unsafe self.pointer = pointer
  }

  deinit {
    unsafe EVP_PKEY_free(pointer)
  }

  /// Whether it is the key of `certificate`.
  borrowing func isOf(_ certificate: OpaquePointer) -> Bool {
    defer { ERR_clear_error() }
    return unsafe X509_check_private_key(certificate, pointer) == 1
  }
}
