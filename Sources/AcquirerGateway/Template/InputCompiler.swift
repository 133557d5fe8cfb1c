import ConfigurationReading
import Tokenization

/// Compiles the `inputs` of a template: what a shop may send beyond the vault's own list.
struct InputCompiler {
  let diagnostics: Diagnostics

  /// What no request may hold, see `sensitive-authentication-data`.
  private static let sensitiveNames = [
    "cvc", "cvv", "cvv2", "cid", "track1", "track2", "track_data", "pin", "pin_block",
  ]

  private enum TypeWord: String, CaseIterable {
    case text, integer, boolean
  }

  /// The inputs in the order of the file; mistakes have been reported.
  func compile(_ reader: MappingReader) -> [TemplateInput] {
    if reader.named.count > PaymentInput.most {
      diagnostics.report(
        "\"inputs\" declares more than \(PaymentInput.most)", at: reader.position)
    }
    return reader.named.compactMap { member in
      guard InputName.isValid(member.key) else {
        diagnostics.report(
          "\(quoted(member.key)) is not an input's name", at: member.position,
          suggestion: "use 1 to 32 of a-z 0-9 _, fewer than eight digits in a row")
        return nil
      }
      if Self.sensitiveNames.contains(member.key) {
        diagnostics.report(
          "a request with an input \(quoted(member.key)) is always refused", at: member.position,
          suggestion: "name it otherwise; security codes, track data and PINs have no place here")
      }
      guard
        let input = MappingReader(member.tree, name: reader.path(member.key), diagnostics)
      else { return nil }
      defer { input.finish() }
      let isRequired = input.boolean("required") ?? false
      return kind(input).map { TemplateInput(name: member.key, kind: $0, isRequired: isRequired) }
    }
  }

  private func kind(_ reader: MappingReader) -> TemplateInput.Kind? {
    switch choice(reader, "type", among: TypeWord.allCases) ?? .text {
    case .boolean: return .boolean
    case .integer:
      // What every reader of JSON reads as it was written (RFC 8259, 6).
      let bounds = -9_007_199_254_740_991...9_007_199_254_740_991
      let least = reader.integer("least", in: bounds) ?? 0
      let greatest = reader.integer("greatest", in: bounds) ?? max(least, 999_999_999)
      guard least <= greatest else {
        diagnostics.report(
          "\(quoted(reader.path("greatest"))) is below \"least\"",
          at: reader.position(of: "greatest"))
        return nil
      }
      return .integer(Int64(least)...Int64(greatest))
    case .text: return text(reader)
    }
  }

  private func text(_ reader: MappingReader) -> TemplateInput.Kind? {
    let longest = reader.integer("longest", in: 1...PaymentInput.longestText)
    if let words = reader.strings("words") {
      if reader.has("pattern") || longest != nil {
        diagnostics.report(
          "\"words\" says everything, so \"pattern\" and \"longest\" have no place beside it",
          at: reader.position(of: "words"))
      }
      if words.isEmpty || Set(words.map(\.text)).count != words.count {
        diagnostics.report(
          "\(quoted(reader.path("words"))) expects one word or more, each once",
          at: reader.position(of: "words"))
        return nil
      }
      return .words(words.map(\.text))
    }
    var pattern: FieldPattern?
    if let text = reader.string("pattern") {
      pattern = FieldPattern(text)
      if pattern == nil {
        diagnostics.report(
          "\(quoted(reader.path("pattern"))) is not a pattern", at: reader.position(of: "pattern"),
          suggestion: "write one class and a count, such as [A-Za-z0-9-]{1,36}")
        return nil
      }
    }
    guard let bound = longest ?? pattern.map({ _ in FieldPattern.longest }) else {
      if !reader.has("longest") {
        diagnostics.report(
          "\(quoted(reader.path("longest"))) is missing", at: reader.position,
          suggestion: "say how many characters the text may have, or give \"pattern\" or \"words\"")
      }
      return nil
    }
    return .text(longest: bound, pattern)
  }
}

/// The names that inputs may have: those that the vault tells back to a client.
enum InputName {
  static func isValid(_ text: String) -> Bool {
    let digits = text.split { !("0"..."9").contains($0) }
    return (1...32).contains(text.utf8.count)
      && text.utf8.allSatisfy {
        (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x5F
      }
      && digits.allSatisfy { $0.count < 8 }
  }
}
