package import Cards

/// A language of the page, and how amounts are written in it.
package enum Language: String, Codable, CaseIterable, Sendable {
  case fr, en, de

  /// The first of `allowed` that a browser's `Accept-Language` asks for, or the first one.
  /// - Source: RFC 9110, 12.5.4.
  package static func preferred(_ header: String?, among allowed: [Language]) -> Language {
    var best: (language: Language, quality: Double)?
    for part in (header ?? "").split(separator: ",").prefix(20) {
      let words = part.split(separator: ";")
      guard let tag = words.first?.trimmingASCIIBlanks.lowercased(),
        let language = allowed.first(where: {
          tag == $0.rawValue || tag.hasPrefix("\($0.rawValue)-")
        })
      else { continue }
      var quality = 1.0
      for word in words.dropFirst() {
        let text = word.trimmingASCIIBlanks
        if text.hasPrefix("q=") { quality = Double(text.dropFirst(2)) ?? 0 }
      }
      guard quality > 0, quality > best?.quality ?? 0 else { continue }
      best = (language, quality)
    }
    return best?.language ?? allowed.first ?? .en
  }
}

extension Substring {
  fileprivate var trimmingASCIIBlanks: String {
    var text = self
    while text.first == " " || text.first == "\t" { text.removeFirst() }
    while text.last == " " || text.last == "\t" { text.removeLast() }
    return String(text)
  }
}

// MARK: - Amounts

extension Money {
  /// The amount as the language writes it: `1 234,50 €`, `€1,234.50`, `1.234,50 €`, with the blanks of CLDR.
  package func text(in language: Language) -> String {
    let parts = decimalText.split(separator: ".")
    let number =
      Self.grouped(parts[0], language) + (parts.count > 1 ? language.decimalMark + parts[1] : "")
    let sign = language.sign(of: currency.code)
    return sign.isBefore ? sign.text + number : number + "\u{A0}" + sign.text
  }

  private static func grouped(_ digits: Substring, _ language: Language) -> String {
    var text = ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index) % 3 == 0 { text += language.groupMark }
      text.append(digit)
    }
    return text
  }
}

extension Language {
  fileprivate var groupMark: String {
    switch self {
    case .fr: "\u{202F}"
    case .en: ","
    case .de: "."
    }
  }

  fileprivate var decimalMark: String { self == .en ? "." : "," }

  /// - Source: CLDR, as `Intl.NumberFormat` writes it for fr-FR, en-GB and de-DE.
  fileprivate func sign(of currency: String) -> (text: String, isBefore: Bool) {
    switch (self, currency) {
    case (.en, "EUR"): ("€", true)
    case (.en, "USD"): ("US$", true)
    case (.en, "GBP"): ("£", true)
    case (.en, _): (currency + "\u{A0}", true)
    case (.fr, "USD"): ("$US", false)
    case (.fr, "GBP"): ("£GB", false)
    case (.de, "USD"): ("$", false)
    case (.de, "GBP"): ("£", false)
    case (_, "EUR"): ("€", false)
    default: (currency, false)
    }
  }
}
