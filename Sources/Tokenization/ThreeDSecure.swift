import Bytes
import Cards

/// The outcome of 3-D Secure (EMV 3DS 2), as a 3-D Secure server gave it: in a request, where the shop
/// hands it on, and in an answer, where the acquirer's server did the authentication.
package struct ThreeDSecure: Sendable, Equatable {
  /// One value, by its name in requests, answers and templates.
  package enum Member: String, Sendable, CaseIterable {
    /// `2.1.0` to `2.3.1`, or `1.0.2`.
    case version
    /// `Y` authenticated, `A` attempted, `I` informational only.
    case transStatus = "trans_status"
    /// The electronic commerce indicator, two digits.
    case eci
    /// The cardholder authentication verification value (CAVV, AAV, AEVV): 28 characters of base 64.
    case cavv
    /// The directory server's transaction, a UUID.
    case dsTransactionIdentifier = "ds_transaction_id"
    /// The access control server's transaction, a UUID.
    case acsTransactionIdentifier = "acs_transaction_id"
    /// Why the status is what it is, two digits.
    case transStatusReason = "trans_status_reason"
    /// Cartes Bancaires: how the CAVV was computed, one of `0 1 2 3 4 A`.
    case cavvAlgorithm = "cavv_algorithm"
    /// Cartes Bancaires: the scheme's score, `0` to `99`.
    case networkScore = "network_score"
    /// Cartes Bancaires: the exemption that was applied, three bytes in base 64.
    case exemption

    /// Whether `bytes` have the member's form.
    ///
    /// - Source: EMV 3-D Secure protocol specification 2.3.1, table A.1; what is Cartes Bancaires' own
    ///   as the payment interfaces of French acquirers document it.
    package func accepts(_ bytes: RawSpan) -> Bool {
      switch self {
      case .version: bytes.isProtocolVersion
      case .transStatus: bytes.byteCount == 1 && "YAI".utf8.contains(bytes.byte(0))
      case .eci, .transStatusReason: bytes.byteCount == 2 && bytes.allSatisfy(isDigit)
      case .cavv: bytes.isBase64(count: 28)
      case .dsTransactionIdentifier, .acsTransactionIdentifier: bytes.isUUID
      case .cavvAlgorithm: bytes.byteCount == 1 && "01234A".utf8.contains(bytes.byte(0))
      case .networkScore: (1...2).contains(bytes.byteCount) && bytes.allSatisfy(isDigit)
      case .exemption: bytes.isBase64(count: 4)
      }
    }
  }

  private var values: [Member: String]

  /// - Returns: nil without version and status, of which the others are only details.
  package init?(_ values: [Member: String]) {
    guard values[.version] != nil, values[.transStatus] != nil else { return nil }
    self.values = values
  }

  /// A value in its form; nil where there is none.
  package subscript(member: Member) -> String? { values[member] }
}

extension RawSpan {
  /// Whether every byte is as `predicate` wants it.
  package func allSatisfy(_ predicate: (UInt8) -> Bool) -> Bool {
    for offset in byteOffsets where !predicate(byte(offset)) { return false }
    return true
  }

  /// A version of EMV 3-D Secure, three numbers of one or two digits (`2.2.0`), up to 2.3.1.
  var isProtocolVersion: Bool {
    var numbers = [0, 0, 0]
    var part = 0
    var digits = 0
    for offset in byteOffsets {
      if byte(offset) == UInt8(ascii: ".") {
        guard digits > 0, part < 2 else { return false }
        part += 1
        digits = 0
      } else {
        digits += 1
        guard isDigit(byte(offset)), digits <= 2 else { return false }
        numbers[part] = numbers[part] * 10 + Int(byte(offset) - UInt8(ascii: "0"))
      }
    }
    guard part == 2, digits > 0, numbers[0] > 0 else { return false }
    return numbers.lexicographicallyPrecedes([2, 3, 2])
  }

  /// `count` characters of base 64, its padding among them.
  func isBase64(count: Int) -> Bool { byteCount == count && isBase64 }

  /// One character or more of base 64, with padding or without; a value has either alphabet, since schemes
  /// send both.
  /// - Source: RFC 4648, 4 and 5.
  var isBase64: Bool {
    var digits = byteCount
    while digits > max(byteCount - 2, 0), byte(digits - 1) == UInt8(ascii: "=") { digits -= 1 }
    guard digits > 0 else { return false }
    let value = extracting(0..<digits)
    return value.allSatisfy { isLetterOrDigit($0) || "+/".utf8.contains($0) }
      || value.allSatisfy { isLetterOrDigit($0) || "-_".utf8.contains($0) }
  }
}
