import COpenSSL

/// Certificates and revocation lists in files as operators have them.
enum PEM {
  /// The labels of certificates (RFC 7468, section 5, and what came before it).
  static let certificateLabels: Set<String> = ["CERTIFICATE", "X509 CERTIFICATE"]

  /// The DER form of the first certificate in `bytes`, which are PEM blocks of any kind with anything
  /// between them, or one certificate in DER. Nil where there is none, or a block before it is damaged.
  static func firstCertificate(in bytes: [UInt8]) -> [UInt8]? {
    if looksLikeDER(bytes) { return bytes }
    guard let input = MemoryInput(bytes) else { return nil }
    defer { ERR_clear_error() }
    while let block = nextBlock(input, certificateLabels) {
      if let content = block.content { return content }
    }
    return nil
  }

  /// The DER form of every certificate in `bytes`, which are PEM blocks of any kind with anything
  /// between them; nil where a block is damaged.
  static func certificates(in bytes: [UInt8]) -> [[UInt8]]? {
    guard let input = MemoryInput(bytes) else { return nil }
    defer { ERR_clear_error() }
    var certificates: [[UInt8]] = []
    while let block = nextBlock(input, certificateLabels) {
      if let content = block.content { certificates.append(content) }
    }
    guard ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE else { return nil }
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
    while let block = nextBlock(input, labels) {
      guard let content = block.content else { return nil }
      blocks.append(content)
    }
    // Each of its lines is one that libcrypto took for a boundary, or else there are more of them.
    guard ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE, !blocks.isEmpty,
      count(of: "-BEGIN", in: bytes) == blocks.count, count(of: "-END", in: bytes) == blocks.count
    else { return nil }
    return blocks
  }

  private struct Block {
    /// Nil for one of another kind, which may be a private key, or with a header.
    let content: [UInt8]?
  }

  /// The next block; nil where there is none, or it is damaged.
  private static func nextBlock(
    _ input: borrowing MemoryInput, _ labels: Set<String>
  ) -> Block? {
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
    guard unsafe labels.contains(String(cString: label)), unsafe header.pointee == 0
    else { return Block(content: nil) }
    return Block(content: unsafe Array(UnsafeBufferPointer(start: content, count: count)))
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
