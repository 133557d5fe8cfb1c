import Bytes
import JSON
import Tokenization
import VaultCore

/// Lets members of an answer through, and keeps back those that hold what the shop must not have.
///
/// Each is looked at by itself. What stands in two of them, half of the number in each, is found only
/// where the search of the whole answer finds it.
struct MemberScreen: ~Escapable {
  private let cardNumber: RawSpan
  private let securityCode: SecurityCode?
  /// A member held nine or more digits of the card number.
  private(set) var foundPiece = false
  /// A member was the security code.
  private(set) var foundSecurityCode = false

  /// - Parameters:
  ///   - cardNumber: 12 to 19 ASCII digits, lent by secret memory.
  ///   - securityCode: what was sent with it.
  @_lifetime(copy cardNumber)
  init(cardNumber: RawSpan, securityCode: SecurityCode?) {
    self.cardNumber = cardNumber
    self.securityCode = securityCode
  }

  /// `text`, or nil where it may not be let through.
  ///
  /// - Parameter mayBeSecurityCode: whether it is of a kind of which every value may come to be the
  ///   same three or four digits by chance.
  mutating func pass(_ text: String, mayBeSecurityCode: Bool) -> String? {
    if holdsPiece(text) { return nil }
    if !mayBeSecurityCode, securityCode?.isEqual(to: text) == true {
      foundSecurityCode = true
      return nil
    }
    return text
  }

  /// Whether `text` holds nine or more consecutive digits of the card number; it is noted.
  mutating func holdsPiece(_ text: String) -> Bool { holdsPiece(text.utf8Span.span.rawSpan) }

  /// The same of bytes.
  mutating func holdsPiece(_ bytes: RawSpan) -> Bool {
    guard CardNumberSearch.isPieceIn(bytes, digits: cardNumber) else { return false }
    foundPiece = true
    return true
  }

  /// Whether a JSON text inside a member holds the whole number in any spelling; it is noted.
  mutating func holdsNumber(_ document: JSONDocument) -> Bool {
    guard CardNumberSearch.isIn(document, digits: cardNumber) else { return false }
    foundPiece = true
    return true
  }
}
