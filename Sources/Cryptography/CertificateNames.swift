import COpenSSL

/// The names of a certificate's subject alternative name that Cadenas looks at.
struct AlternativeNames {
  var uris: [String] = []
  var dnsNames: [String] = []
  /// How many names there are, of every kind.
  var count = 0

  /// - Throws: ``CertificateError/malformedAlternativeName`` if a name is not printable ASCII: a
  ///   zero byte or a control character in one is an attempt to look like another.
  init(of certificate: borrowing ParsedCertificate) throws(CertificateError) {
    var criticality: Int32 = 0
    let extensionValue = unsafe X509_get_ext_d2i(
      certificate.pointer, NID_subject_alt_name, &criticality, nil)
    guard let extensionValue = unsafe extensionValue else {
      ERR_clear_error()
      // -1: there is none. Anything else: it is malformed, or there are several.
      guard criticality == -1 else { throw .malformedAlternativeName }
      return
    }
    let stack = OpaquePointer(extensionValue)
    defer { unsafe GENERAL_NAMES_free(stack) }
    count = Int(max(0, unsafe OPENSSL_sk_num(stack)))
    for index in 0..<Int32(count) {
      var kind: Int32 = 0
      guard let name = unsafe OPENSSL_sk_value(stack, index),
        let value = unsafe GENERAL_NAME_get0_value(
          name.assumingMemoryBound(to: GENERAL_NAME.self), &kind)
      else { throw .malformedAlternativeName }
      switch kind {
      case GEN_URI: uris.append(try unsafe Self.text(value))
      case GEN_DNS: dnsNames.append(try unsafe Self.text(value))
      default: break
      }
    }
  }

  private static func text(_ value: UnsafeMutableRawPointer) throws(CertificateError) -> String {
    let string = unsafe value.assumingMemoryBound(to: ASN1_STRING.self)
    guard let text = unsafe printableASCII(string) else { throw .malformedAlternativeName }
    return text
  }
}

/// The text of `string`, or nil unless it is printable ASCII.
private func printableASCII(_ string: UnsafePointer<ASN1_STRING>) -> String? {
  let bytes = unsafe contents(of: string)
  guard bytes.allSatisfy({ (0x21...0x7e).contains($0) }) else { return nil }
  return String(decoding: bytes, as: UTF8.self)
}

private func contents(of string: UnsafePointer<ASN1_STRING>) -> [UInt8] {
  let count = unsafe Int(ASN1_STRING_length(string))
  return unsafe [UInt8](UnsafeBufferPointer(start: ASN1_STRING_get0_data(string), count: count))
}

/// The serial number in lower-case hexadecimal.
func serialNumber(of certificate: borrowing ParsedCertificate) -> String {
  guard let number = unsafe X509_get0_serialNumber(certificate.pointer) else { return "" }
  let digits = unsafe contents(of: number).hexadecimal
  return unsafe ASN1_STRING_type(number) == V_ASN1_NEG_INTEGER ? "-" + digits : digits
}

/// The subject on one line, controls and everything beyond ASCII escaped, cut at 256 characters.
func displayedSubject(of certificate: borrowing ParsedCertificate) -> String {
  unsafe displayed(X509_get_subject_name(certificate.pointer))
}

/// Who issued a certificate, as ``displayedSubject(of:)`` shows a subject.
func displayedIssuer(of certificate: borrowing ParsedCertificate) -> String {
  unsafe displayed(X509_get_issuer_name(certificate.pointer))
}

/// The issuer of a revocation list, as ``displayedSubject(of:)`` shows a subject.
func displayedIssuer(of list: borrowing ParsedRevocationList) -> String {
  unsafe displayed(X509_CRL_get_issuer(list.pointer))
}

private func displayed(_ name: OpaquePointer?) -> String {
  let limit = 256
  guard let output = MemoryInput([]), let name = unsafe name,
    unsafe X509_NAME_print_ex(output.pointer, name, 0, cadenas_name_flags()) >= 0
  else {
    ERR_clear_error()
    return ""
  }
  var bytes = [UInt8](repeating: 0, count: limit)
  let count = unsafe BIO_read(output.pointer, &bytes, Int32(limit))
  ERR_clear_error()
  let printable = bytes.prefix(Int(max(0, count))).map { (0x20...0x7e).contains($0) ? $0 : 0x3f }
  return String(decoding: printable, as: UTF8.self)
}
