import Bytes

/// The header fields of one request that this server reads, gathered one by one.
///
/// A field that decides something must not come twice; which of two would count is what request
/// smuggling lives on.
struct HeaderFields {
  private(set) var host: Range<Int>?
  private(set) var bodyLength: Int?
  private(set) var mediaType: RequestHead.MediaType?
  private(set) var idempotencyKey: RequestHead.IdempotencyKey?
  private(set) var isChunked = false
  private(set) var isCoded = false
  private(set) var expectsContinue = false
  private(set) var closes = false

  /// The longest idempotency key, in bytes.
  private static let longestKey = 255

  /// Reads `name ":" OWS value OWS`, in which the caller has refused control characters but the tab. False
  /// for a field that makes the request malformed.
  mutating func read(_ line: Range<Int>, in text: RawSpan) -> Bool {
    var colon = line.lowerBound
    while colon < line.upperBound, isTokenCharacter(text.byte(colon)) { colon += 1 }
    // White space before the colon, or at the start of a folded line, ends here.
    guard colon > line.lowerBound, colon < line.upperBound, text.byte(colon) == UInt8(ascii: ":")
    else { return false }
    let value = text.trimmed(colon + 1..<line.upperBound)
    return read(line.lowerBound..<colon, value, in: text)
  }

  private mutating func read(_ name: Range<Int>, _ value: Range<Int>, in text: RawSpan) -> Bool {
    switch name.count {
    case 4 where text.matchesIgnoringCase(name, "host"):
      guard host == nil, isHost(value, in: text) else { return false }
      host = value
    case 6 where text.matchesIgnoringCase(name, "expect"):
      guard text.matchesIgnoringCase(value, "100-continue") else { return false }
      expectsContinue = true
    case 10 where text.matchesIgnoringCase(name, "connection"):
      readConnection(value, in: text)
    case 12 where text.matchesIgnoringCase(name, "content-type"):
      guard mediaType == nil else { return false }
      mediaType = readMediaType(value, in: text)
    case 14 where text.matchesIgnoringCase(name, "content-length"):
      guard bodyLength == nil, let length = readLength(value, in: text) else { return false }
      bodyLength = length
    case 15 where text.matchesIgnoringCase(name, "idempotency-key"):
      guard idempotencyKey == nil else { return false }
      idempotencyKey = readKey(value, in: text)
    case 16 where text.matchesIgnoringCase(name, "content-encoding"):
      readContentEncoding(value, in: text)
    case 17 where text.matchesIgnoringCase(name, "transfer-encoding"):
      // Once, and nothing before or after it: whoever reads two codings may read another one.
      guard !isChunked, text.matchesIgnoringCase(value, "chunked") else { return false }
      isChunked = true
    default: break
    }
    return true
  }

  /// A host and an optional port: the characters that RFC 3986 gives an authority without user.
  private func isHost(_ value: Range<Int>, in text: RawSpan) -> Bool {
    !value.isEmpty
      && value.allSatisfy { index in
        let byte = text.byte(index)
        if isLetterOrDigit(byte) { return true }
        return switch byte {
        case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"),
          UInt8(ascii: ":"), UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: "%"):
          true
        default: false
        }
      }
  }

  private mutating func readConnection(_ value: Range<Int>, in text: RawSpan) {
    let comma = UInt8(ascii: ",")
    if text.hasPart(of: value, separator: comma, where: { text.matchesIgnoringCase($0, "close") }) {
      closes = true
    }
  }

  /// Any coding but `identity` is one that is not read here.
  private mutating func readContentEncoding(_ value: Range<Int>, in text: RawSpan) {
    let isCoding = text.hasPart(of: value, separator: UInt8(ascii: ",")) { coding in
      !coding.isEmpty && !text.matchesIgnoringCase(coding, "identity")
    }
    if isCoding { isCoded = true }
  }

  /// `application/json`, alone or with `charset=utf-8`. A parameter may be empty.
  /// - Source: RFC 9110, 5.6.6.
  private func readMediaType(_ value: Range<Int>, in text: RawSpan) -> RequestHead.MediaType {
    let semicolon = text.firstIndex(of: UInt8(ascii: ";"), in: value)
    let type = text.trimmed(value.lowerBound..<(semicolon ?? value.upperBound))
    guard text.matchesIgnoringCase(type, "application/json") else { return .other }
    guard let semicolon else { return .json }
    let isOther = text.hasPart(
      of: semicolon + 1..<value.upperBound, separator: UInt8(ascii: ";")
    ) { parameter in
      !parameter.isEmpty && !text.matchesIgnoringCase(parameter, "charset=utf-8")
        && !text.matchesIgnoringCase(parameter, "charset=\"utf-8\"")
    }
    return isOther ? .other : .json
  }

  /// Digits and nothing else; nil for another form. More than an integer holds is `Int.max`.
  private func readLength(_ value: Range<Int>, in text: RawSpan) -> Int? {
    guard !value.isEmpty else { return nil }
    var length = 0
    for index in value {
      let byte = text.byte(index)
      guard isDigit(byte) else { return nil }
      let (product, overflow) = length.multipliedReportingOverflow(by: 10)
      let (sum, overflow2) = product.addingReportingOverflow(Int(byte - UInt8(ascii: "0")))
      length = overflow || overflow2 ? Int.max : sum
    }
    return length
  }

  private func readKey(_ value: Range<Int>, in text: RawSpan) -> RequestHead.IdempotencyKey {
    guard (1...Self.longestKey).contains(value.count),
      value.allSatisfy({ (0x21...0x7E).contains(text.byte($0)) })
    else { return .malformed }
    return .key(value.map { text.byte($0) })
  }
}

extension RawSpan {
  /// Whether `predicate` holds for something that stands in `range` between two separators, without
  /// the white space around it.
  fileprivate func hasPart(
    of range: Range<Int>, separator: UInt8, where predicate: (Range<Int>) -> Bool
  ) -> Bool {
    var start = range.lowerBound
    while let end = firstIndex(of: separator, in: start..<range.upperBound) {
      if predicate(trimmed(start..<end)) { return true }
      start = end + 1
    }
    return predicate(trimmed(start..<range.upperBound))
  }
}
