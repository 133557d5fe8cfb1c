import Bytes
import JSON

/// Every sentence of the page, in each language.
package struct Catalogue: Sendable {
  private let texts: [Language: [String: String]]

  /// Reads `{"key":{"fr":"…","en":"…","de":"…"},…}`.
  /// - Throws: ``CatalogueError`` where a language lacks a key.
  package init(_ json: [UInt8]) throws {
    var texts: [Language: [String: String]] = [:]
    let document = try JSONDocument(json.rawSpan, maximumNodes: 8_192)
    for entry in document.members(of: document.root) {
      let key = document.key(of: entry)
      for language in Language.allCases {
        guard let node = document.member(language.rawValue, of: entry),
          let text = document.string(of: node)
        else { throw CatalogueError(key: key, language: language) }
        texts[language, default: [:]][key] = text
      }
    }
    self.texts = texts
  }

  /// The keys, in no order.
  package var keys: Set<String> { Set(texts[.en, default: [:]].keys) }

  /// The sentence of a key, filled with values for `{name}`; the key itself where there is none.
  package func text(
    _ key: String, in language: Language, _ values: [String: String] = [:]
  ) -> String {
    guard let text = texts[language]?[key] else { return key }
    return Self.fill(text, values)
  }

  /// All sentences, filled with what is known of all.
  package func all(in language: Language, _ values: [String: String]) -> [String: String] {
    (texts[language] ?? [:]).mapValues { Self.fill($0, values) }
  }

  /// The sentence for a count: `KEY_one` or `KEY_other`, by CLDR's rule of the language.
  package func text(
    _ key: String, count: Int, in language: Language, _ values: [String: String] = [:]
  ) -> String {
    let isOne = language == .fr ? count <= 1 : count == 1
    return text(
      key + (isOne ? "_one" : "_other"), in: language,
      values.merging(["n": String(count)]) { one, _ in one })
  }

  private static func fill(_ text: String, _ values: [String: String]) -> String {
    guard text.contains("{") else { return text }
    var filled = ""
    var rest = text[...]
    while let open = rest.firstIndex(of: "{") {
      filled += rest[..<open]
      guard let close = rest[open...].firstIndex(of: "}") else { break }
      let name = String(rest[rest.index(after: open)..<close])
      filled += values[name] ?? "{\(name)}"
      rest = rest[rest.index(after: close)...]
    }
    return filled + rest
  }
}

package struct CatalogueError: Error {
  package let key: String
  package let language: Language
}
