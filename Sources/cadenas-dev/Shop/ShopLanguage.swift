/// The languages of the shop.
enum ShopLanguage: String, CaseIterable, Sendable {
  case french = "fr"
  case english = "en"
  case german = "de"

  /// Its place in lists of three texts.
  var index: Int {
    switch self {
    case .french: 0
    case .english: 1
    case .german: 2
    }
  }

  /// What it calls itself.
  var name: String { ["Français", "English", "Deutsch"][index] }

  /// The best of an `Accept-Language`, weights included; English where it names none of ours.
  init(accepted header: String) {
    var best = (language: ShopLanguage.english, weight: 0.0)
    for range in header.split(separator: ",") {
      let parts = range.split(separator: ";").map { $0.filter { !$0.isWhitespace } }
      guard let tag = parts.first, let language = ShopLanguage(rawValue: String(tag.prefix(2))),
        tag.utf8.count == 2 || tag.dropFirst(2).hasPrefix("-")
      else { continue }
      let weight = parts.dropFirst().first { $0.hasPrefix("q=") }.map {
        Double($0.dropFirst(2)) ?? 0
      }
      if weight ?? 1 > best.weight { best = (language, weight ?? 1) }
    }
    self = best.language
  }

  /// A day: `23 novembre 2026`, `23 November 2026`, `23. November 2026`, of RFC 3339 text.
  func day(_ time: String) -> String {
    let parts = time.prefix(10).split(separator: "-").compactMap { Int($0) }
    guard parts.count == 3, (1...12).contains(parts[1]) else { return time }
    let month = Self.months[index].split(separator: " ")[parts[1] - 1]
    let day =
      switch self {
      case .french: parts[2] == 1 ? "1er" : "\(parts[2])"
      case .english: "\(parts[2])"
      case .german: "\(parts[2])."
      }
    return "\(day) \(month) \(parts[0])"
  }

  private static let months = [
    "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "January February March April May June July August September October November December",
    "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
  ]
}
