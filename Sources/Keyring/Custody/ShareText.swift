import Cryptography
import JSON
import RecordFormat

/// A custodian's share as text in ASCII, to be printed and typed in again.
///
/// Lines that begin with `#` and empty ones mean nothing. Each other line is `name: value`; every name
/// stands there once, in any order.
///
/// The value of these ends with three characters, the check of `name: value` (``TypedText``) without
/// them:
///
/// | name | value |
/// |---|---|
/// | `format` | `cadenas-share-1` |
/// | `vault`, `custodian` | a name |
/// | `key` | KEK id |
/// | `check value` | of the KEK, ten hexadecimal digits |
/// | `share` | `X of N`, coordinate and number of shares |
/// | `threshold` | how many shares rebuild the key |
/// | `created` | RFC 3339 with milliseconds, in UTC |
///
/// `line 1` to `line 4` are the 100 bytes of the ``SealedShare``, eight groups of six characters each.
/// Spaces and hyphens may stand anywhere between characters.
enum ShareText {
  /// How large a text may be, in bytes.
  static let mostBytes = 8_192
  /// How many lines of groups there are.
  static let groupLines = 4
  /// How many groups a line has.
  static let groupsInLine = 8

  private static let format = "cadenas-share-1"
  private static let valueColumn = 13
  private static let heading = """
    # A custodian's share of the key of a Cadenas vault. It opens with its custodian's passphrase
    # alone, and then still needs the shares of others. Keep it where you alone can take it.
    #
    # When it is typed in again, the case of letters and spaces do not matter, O counts as 0, I and L
    # as 1. Check it with: cadenas keys ceremony verify FILE


    """

  /// The lines before the groups.
  enum Field: String, CaseIterable {
    case format
    case vault
    case key
    case checkValue = "check value"
    case custodian
    case share
    case threshold
    case created
  }

  static func lineName(_ line: Int) -> String { "line \(line)" }
}

// MARK: - Writing

extension ShareText {
  /// The whole text.
  static func write(_ header: ShareHeader, _ sealed: SealedShare) -> String {
    var text = heading
    for field in Field.allCases {
      let value = value(of: field, header)
      text +=
        padded(field.rawValue + ":") + value + "  "
        + TypedText.check(of: "\(field.rawValue): \(value)") + "\n"
    }
    text += "\n"
    let groups = TypedText.groups(of: sealed.bytes)
    for line in 0..<groupLines {
      let inLine = groups[line * groupsInLine..<(line + 1) * groupsInLine]
      text += padded(lineName(line + 1) + ":") + inLine.joined(separator: " ") + "\n"
    }
    return text
  }

  private static func padded(_ name: String) -> String {
    name + String(repeating: " ", count: max(1, valueColumn - name.utf8.count))
  }

  private static func value(of field: Field, _ header: ShareHeader) -> String {
    switch field {
    case .format: format
    case .vault: header.vault.text
    case .key: header.keyIdentifier.text
    case .checkValue: KeyCheckValue.text(header.checkValue)
    case .custodian: header.custodian.text
    case .share: "\(header.coordinate) of \(header.count)"
    case .threshold: "\(header.threshold)"
    case .created:
      RFC3339.string(
        unixMilliseconds: Int64(clamping: header.createdMilliseconds), precision: .milliseconds)
    }
  }
}

// MARK: - Reading

extension ShareText {
  /// Reads a text.
  ///
  /// - Throws: ``CustodyProblem/shareText(_:)``, ``CustodyProblem/unsupportedShare``.
  static func read(
    _ text: RawSpan
  ) throws(KeyringError) -> (header: ShareHeader, sealed: SealedShare) {
    let header: ShareHeader
    let digits: [UInt8]
    do throws(ShareTextProblem) {
      let lines = try ShareTextLines(text)
      header = try readHeader(lines)
      digits = try readGroups(lines)
    } catch {
      throw .custody(.shareText(error))
    }
    let sealed: SealedShare
    do throws(RecordError) {
      sealed = try SealedShare(TypedText.bytes(of: digits))
    } catch {
      throw .custody(.unsupportedShare)
    }
    if let field = contradiction(header, sealed) {
      throw .custody(.shareText(.contradiction(field.rawValue)))
    }
    return (header, sealed)
  }

  /// The line of the header that says something else than the groups.
  private static func contradiction(_ header: ShareHeader, _ sealed: SealedShare) -> Field? {
    if header.keyIdentifier != sealed.keyIdentifier { return .key }
    if header.coordinate != sealed.coordinate || header.count != sealed.count { return .share }
    return header.threshold == sealed.threshold ? nil : .threshold
  }

  private static func readHeader(
    _ lines: ShareTextLines
  ) throws(ShareTextProblem) -> ShareHeader {
    guard try lines.value(of: .format) == format else { throw .lineForm(Field.format.rawValue) }
    let share = try lines.value(of: .share).split(separator: " ")
    guard share.count == 3, share[1] == "of", let coordinate = number(share[0]),
      let count = number(share[2]), CustodianSet.custodianCounts.contains(count),
      (1...count).contains(coordinate)
    else { throw .lineForm(Field.share.rawValue) }
    func value<Value>(
      _ field: Field, _ read: (String) -> Value?
    ) throws(ShareTextProblem) -> Value {
      guard let value = read(try lines.value(of: field)) else { throw .lineForm(field.rawValue) }
      return value
    }
    let threshold = try value(.threshold) { text in
      number(text).flatMap { (2...count).contains($0) ? $0 : nil }
    }
    let created = try value(.created) {
      RFC3339.unixMilliseconds($0).flatMap(UInt64.init(exactly:))
    }
    let key = try value(.key) { KeyIdentifier($0) }
    let vault = try value(.vault) { CustodyName($0) }
    let custodian = try value(.custodian) { CustodyName($0) }
    return try value(.checkValue) { text in
      [UInt8](hexadecimal: text).flatMap {
        ShareHeader(
          vault: vault, keyIdentifier: key, checkValue: $0, custodian: custodian,
          coordinate: coordinate, threshold: threshold, count: count, createdMilliseconds: created)
      }
    }
  }

  /// A number of one or two digits.
  private static func number(_ text: some StringProtocol) -> Int? {
    guard text.utf8.count <= 2, let number = Int(text), String(number) == text else { return nil }
    return number
  }

  /// The digits of every group, without their checks.
  private static func readGroups(
    _ lines: ShareTextLines
  ) throws(ShareTextProblem) -> [UInt8] {
    var digits: [UInt8] = []
    for line in 1...groupLines {
      let groups = try lines.groups(ofLine: line)
      for (index, group) in groups.prefix(groupsInLine).enumerated() {
        digits += try readGroup(group, line: line, group: index + 1)
      }
      guard groups.count == groupsInLine else {
        throw .groupCount(line: line, count: groups.count)
      }
    }
    return digits
  }

  private static func readGroup(
    _ characters: some Collection<UInt8>, line: Int, group: Int
  ) throws(ShareTextProblem) -> [UInt8] {
    guard characters.count == TypedText.groupDigits else {
      throw .group(line: line, group: group, .length(characters.count))
    }
    let digits = characters.compactMap(TypedText.digit)
    guard digits.count == characters.count else {
      throw .group(line: line, group: group, .character)
    }
    let data = Array(digits.dropLast())
    let place = (line - 1) * groupsInLine + group - 1
    guard TypedText.check(of: data, place: place) == digits.last else {
      throw .group(line: line, group: group, .check)
    }
    return data
  }
}
