/// Why somebody changes something, as it stands in the audit log.
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
    + "\(longestText) printable bytes, and neither may hold \(FreeText.forbidden)"

  /// No reason.
  package static let none = KeyReason()

  private init() {
    ticket = ""
    text = ""
  }

  /// - Parameters:
  ///   - ticket: of `A-Z a-z 0-9 . _ / # : -`.
  ///   - text: a ``FreeText``.
  /// - Returns: nil for another form, and where either could hold a card number.
  package init?(ticket: String, text: String) {
    let isTicket = ticket.utf8.allSatisfy {
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._/#:-".utf8.contains($0)
    }
    guard isTicket, FreeText(ticket, longest: Self.longestTicket) != nil,
      FreeText(text, longest: Self.longestText) != nil
    else { return nil }
    self.ticket = ticket
    self.text = text
  }

  /// The ticket alone, for what ends with a name.
  var ticketWord: String { ticket.isEmpty ? "" : " ticket=\(ticket)" }

  /// The reason of an entry that says nothing else; nil for ``none``.
  var whole: String? { self == .none ? nil : String(words.dropFirst()) }

  /// What entries say: the free text last, so that it cannot be taken for a member.
  package var words: String {
    ticketWord + (text.isEmpty ? "" : " reason=\(text)")
  }
}
