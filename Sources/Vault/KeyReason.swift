import Cards

/// Why somebody changes the state of a key, as it stands in the audit log.
package struct KeyReason: Equatable, Sendable {
  /// How many bytes a ticket has at most.
  package static let longestTicket = 64
  /// How many bytes a text has at most.
  package static let longestText = 128

  /// The number of a change or incident; empty for none.
  package let ticket: String
  /// What a person writes; empty for none.
  package let text: String

  /// What a ticket and a text have to be, for the person who gave another.
  package static let rules =
    "a ticket has at most \(longestTicket) of A-Z a-z 0-9 . _ / # : -, a reason at most "
    + "\(longestText) printable bytes, and neither may hold twelve digits, which could be a card's"

  /// No reason.
  package static let none = KeyReason()

  private init() {
    ticket = ""
    text = ""
  }

  /// - Parameters:
  ///   - ticket: of `A-Z a-z 0-9 . _ / # : -`.
  ///   - text: without control characters.
  /// - Returns: nil for another form, and where either could hold a card number: twelve or more
  ///   digits in a row, separators ignored.
  package init?(ticket: String, text: String) {
    let isTicket = ticket.utf8.allSatisfy {
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._/#:-".utf8.contains($0)
    }
    guard isTicket, ticket.utf8.count <= Self.longestTicket,
      text.utf8.count <= Self.longestText, Self.isPrintable(text),
      !Self.couldHoldNumber(ticket), !Self.couldHoldNumber(text)
    else { return nil }
    self.ticket = ticket
    self.text = text
  }

  /// What entries say: the free text last, so that it cannot be taken for a member.
  var words: String {
    (ticket.isEmpty ? "" : " ticket=\(ticket)") + (text.isEmpty ? "" : " reason=\(text)")
  }

  private static func isPrintable(_ text: String) -> Bool {
    text.unicodeScalars.allSatisfy { scalar in
      switch scalar.properties.generalCategory {
      case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse,
        .unassigned:
        false
      default: true
      }
    }
  }

  private static func couldHoldNumber(_ text: String) -> Bool {
    var digits = 0
    for scalar in text.unicodeScalars {
      if scalar.properties.numericType == .decimal {
        digits += 1
        if digits == PAN.lengths.lowerBound { return true }
      } else if scalar.properties.isAlphabetic {
        digits = 0
      }
    }
    return false
  }
}
