import Cards

/// What a person writes about what they do, to be kept in the audit log or on record: no control
/// characters, nothing that turns the order of characters round, and no card number.
package struct FreeText: Equatable, Sendable {
  /// The text; empty for none.
  package let text: String

  /// No text.
  package static let none = FreeText()

  private init() { text = "" }

  /// - Parameter longest: how many bytes it has at most.
  /// - Returns: nil for a text of another form, and for one that could hold a card number.
  package init?(_ text: String, longest: Int) {
    guard text.utf8.count <= longest, Self.isPrintable(text), !PAN.couldStand(in: text) else {
      return nil
    }
    self.text = text
  }

  /// What no text may hold, for the person who gave one that does.
  package static let forbidden =
    "twelve digits without a letter among them, which could be a card's"

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
}
