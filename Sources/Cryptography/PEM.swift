import COpenSSL

/// Certificates and revocation lists in files as operators have them.
package enum PEM {
  /// The DER form of every certificate in `bytes`, which are PEM blocks with anything between them,
  /// or one certificate in DER. Empty where there is none.
  ///
  /// - Throws: ``CertificateError/malformedCertificate`` if a block cannot be read.
  package static func certificates(in bytes: [UInt8]) throws(CertificateError) -> [[UInt8]] {
    if looksLikeDER(bytes) { return [bytes] }
    guard let input = MemoryInput(bytes) else { throw .library }
    var certificates: [[UInt8]] = []
    while let certificate = unsafe PEM_read_bio_X509(input.pointer, nil, refusePassphrase, nil) {
      defer { unsafe X509_free(certificate) }
      certificates.append(try unsafe derForm(of: certificate))
    }
    // The loop ends at the end of the file, or at a block that is damaged.
    let reason = ERR_GET_REASON(ERR_peek_last_error())
    ERR_clear_error()
    guard reason == PEM_R_NO_START_LINE else { throw .malformedCertificate }
    return certificates
  }

  /// The content of every block of a file that holds blocks with one of `labels` and nothing else,
  /// or the file itself where it is DER; nil where anything in it would have to be passed over: a
  /// block of another kind or with a header, a damaged one, a boundary line that is none.
  ///
  /// Text without such lines may stand before and between blocks (RFC 7468, section 2).
  static func wholeFile(_ bytes: [UInt8], labels: Set<String>) -> [[UInt8]]? {
    if looksLikeDER(bytes) { return [bytes] }
    guard bytes.allSatisfy({ $0 >= 0x20 || (0x09...0x0d).contains($0) }),
      let input = MemoryInput(bytes)
    else { return nil }
    defer { ERR_clear_error() }
    var blocks: [[UInt8]] = []
    while let block = nextBlock(input) {
      guard block.header.isEmpty, labels.contains(block.label) else { return nil }
      blocks.append(block.content)
    }
    // Each of its lines is one that libcrypto took for a boundary, or else there are more of them.
    guard ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE, !blocks.isEmpty,
      count(of: "-BEGIN", in: bytes) == blocks.count, count(of: "-END", in: bytes) == blocks.count
    else { return nil }
    return blocks
  }

  private struct Block {
    let label: String
    let header: String
    let content: [UInt8]
  }

  private static func nextBlock(_ input: borrowing MemoryInput) -> Block? {
    var label: UnsafeMutablePointer<CChar>?
    var header: UnsafeMutablePointer<CChar>?
    var content: UnsafeMutablePointer<UInt8>?
    var count = 0
    guard unsafe PEM_read_bio(input.pointer, &label, &header, &content, &count) == 1
    else { return nil }
    defer {
      unsafe cadenas_free(label)
      unsafe cadenas_free(header)
      unsafe cadenas_free(content)
    }
    guard let label = unsafe label, let header = unsafe header, let content = unsafe content
    else { return nil }
    return Block(
      label: unsafe String(cString: label), header: unsafe String(cString: header),
      content: unsafe Array(UnsafeBufferPointer(start: content, count: count)))
  }

  private static func count(of word: String, in bytes: [UInt8]) -> Int {
    let word = Array(word.utf8)
    guard bytes.count >= word.count else { return 0 }
    var count = 0
    for start in 0...(bytes.count - word.count) where bytes[start] == word[0] {
      if bytes[start..<(start + word.count)].elementsEqual(word) { count += 1 }
    }
    return count
  }
}
