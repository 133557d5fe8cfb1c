/// Writes the story: chapters, aligned columns, remarks. Colours are for a terminal only.
struct Narrator {
  private enum Style: String {
    case bold = "1"
    case dim = "2"
    case green = "32"
    case cyan = "36"
  }

  let colours: Bool
  private(set) var chapters = 0

  /// The title of all.
  func title(_ text: String) {
    Terminal.say()
    Terminal.say("  " + styled(text, .bold))
    Terminal.say("  " + styled(String(repeating: "─", count: text.count), .dim))
  }

  /// A numbered heading.
  mutating func chapter(_ text: String) {
    chapters += 1
    let number = "\(chapters)".padded(to: 3)
    Terminal.say()
    Terminal.say("  " + styled(number + text, .bold))
  }

  /// One sentence of the story.
  func tell(_ text: String) {
    Terminal.say("     " + text)
  }

  /// A row of columns; the last has no width.
  func row(_ columns: [(text: String, width: Int)], _ last: String) {
    let cells = columns.map { $0.text.padded(to: $0.width) }.joined()
    Terminal.say("     " + cells + styled(last, .cyan))
  }

  /// What lies behind it, for those who read on.
  func remark(_ text: String) {
    Terminal.say("     " + styled(text, .dim))
  }

  /// Something that was checked just now.
  func proved(_ text: String) {
    Terminal.say("     " + styled("✓ ", .green) + text)
  }

  private func styled(_ text: String, _ style: Style) -> String {
    colours ? "\u{1b}[\(style.rawValue)m\(text)\u{1b}[0m" : text
  }
}

extension String {
  /// This text with spaces up to `width` characters, and one at least.
  func padded(to width: Int) -> String {
    self + String(repeating: " ", count: max(1, width - count))
  }
}
