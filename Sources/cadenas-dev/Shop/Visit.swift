import Hummingbird

/// Who asks, in which language, and with which currency in mind.
struct Visit: Sendable {
  /// The browser's cookie: 128 random bits.
  static let sessionCookie = "__Host-shop"
  /// Language and currency, as `fr.EUR`.
  static let choiceCookie = "__Host-choice"

  var session: ShopSession
  /// Whether the browser has the cookie of this session.
  var isKnown: Bool
  var language: ShopLanguage
  var currency: Currency
  let path: String
  /// What the page says first.
  var notice: String?
  /// What was wrong with what was typed.
  var fault: String?

  init(_ request: Request, _ data: ShopData) {
    let known = request.cookies[Self.sessionCookie].flatMap { data.session($0.value) }
    session = known ?? ShopSession()
    isKnown = known != nil
    let choice = request.cookies[Self.choiceCookie].map { $0.value.split(separator: ".") } ?? []
    language =
      choice.first.flatMap { ShopLanguage(rawValue: String($0)) }
      ?? ShopLanguage(accepted: request.headers[.acceptLanguage] ?? "")
    currency = choice.last.flatMap { Currency(rawValue: String($0)) } ?? .eur
    path = request.uri.path
  }

  /// The cookies of a page are for this origin alone, and for no script.
  static func cookie(_ name: String, _ value: String, seconds: Int? = nil) -> String {
    let age = seconds.map { "; Max-Age=\($0)" } ?? ""
    return "\(name)=\(value); Path=/; Secure; HttpOnly; SameSite=Lax\(age)"
  }

  /// A page's title, which begins with the fault where there is one.
  func title(_ key: String) -> String {
    fault == nil ? text(key) : text("error", ["title": text(key)])
  }

  func text(_ key: String, _ values: [String: String] = [:]) -> String {
    ShopWords.text(key, in: language, values)
  }
}
