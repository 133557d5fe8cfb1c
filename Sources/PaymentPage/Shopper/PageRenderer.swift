import Mustache
import Payments

/// Makes pages of templates. What a template may print is in the context that is given to it, and there is
/// no card in that beyond brand, last four and month.
struct PageRenderer: Sendable {
  let assets = PageAssets()
  let catalogue: Catalogue
  let isTest: Bool
  private let library: MustacheLibrary

  init(isTest: Bool) throws {
    self.isTest = isTest
    catalogue = try Catalogue(PackageResources.words_json)
    var templates: [String: MustacheTemplate] = [:]
    for (name, bytes) in PageTemplates.all {
      templates[name] = try MustacheTemplate(string: String(decoding: bytes, as: UTF8.self))
    }
    library = MustacheLibrary(templates: templates)
  }

  enum Failure: Error { case noTemplate(String) }

  func render(_ template: String, _ context: [String: Any]) throws -> String {
    guard let html = library.render(context, withTemplate: template) else {
      throw Failure.noTemplate(template)
    }
    return html
  }

  // MARK: - Pages

  func page(_ view: PageView) throws -> String {
    try render(view.screen.rawValue, PageContext(view, self).all)
  }

  /// The page that leads to a wallet.
  func out(_ visit: ShopperRoutes.Visit, to url: String) throws -> String {
    let view = PageView(visit: visit, screen: .wait, kept: [], now: visit.payment.createdAt)
    var context = PageContext(view, self).common(title: "wallet_title")
    let wallet = catalogue.text("wallet_paypal", in: visit.language)
    func text(_ key: String) -> String {
      catalogue.text(key, in: visit.language, ["wallet": wallet])
    }
    context["screen"] = "out"
    context["title"] = text("wallet_title")
    context["out"] = [
      "title": text("wallet_title"), "text": text("wallet_wait"), "go": text("wallet_go"),
      "href": url,
    ]
    return try render("out", context)
  }

  /// The form to the bank's page.
  func bankGo(_ visit: ShopperRoutes.Visit, _ challenge: Challenge) throws -> String {
    let view = PageView(visit: visit, screen: .bank, kept: [], now: visit.payment.createdAt)
    var context = PageContext(view, self).common(title: "bank_title")
    context["screen"] = "bank_go"
    // Its policy allows no pictures.
    context["icon"] = nil
    context["bank"] = ["acs_url": challenge.url, "creq": challenge.request]
    return try render("bank_go", context)
  }

  /// The small page on which the bank's ends.
  func bankBack(_ visit: ShopperRoutes.Visit) throws -> String {
    let view = PageView(visit: visit, screen: .bank, kept: [], now: visit.payment.createdAt)
    var context = PageContext(view, self).common(title: "bank_back")
    context["screen"] = "bank_back"
    context["icon"] = nil
    context["title"] = catalogue.text("bank_back", in: visit.language)
    return try render("bank_back", context)
  }

  /// A page without a payment.
  ///
  /// - Parameters:
  ///   - key: `gone`, `fault`, `unsure` or `method`.
  ///   - retry: the address of the payment to which it leads.
  func fault(_ key: String, _ language: Language, retry: String? = nil) -> String {
    let title = catalogue.text(key + "_title", in: language)
    var context: [String: Any] = [
      "lang": language.rawValue, "title": title, "screen": "fault", "base": "", "now": 0,
      "css": assets.css, "js": assets.js, "icon": assets.icon,
      "css_integrity": assets.cssIntegrity, "js_integrity": assets.jsIntegrity,
      "t": catalogue.all(in: language, [:]), "test": isTest, "cancel": false, "assure": false,
      "outcome": [
        "title": title, "pause": true, "done": false, "open": false,
        "text": [catalogue.text(key, in: language)],
      ] as [String: Any],
    ]
    if let retry {
      context["retry"] = [
        "href": "/p/\(retry)", "text": catalogue.text("to_payment", in: language),
      ]
    }
    return (try? render("fault", context)) ?? title
  }
}

/// What is shown to whom.
struct PageView: Sendable {
  let visit: ShopperRoutes.Visit
  let screen: Screen
  let kept: [ShownCard]
  let now: Milliseconds
  var form = ""
  var mayTryAgain = false
  /// Brands of the table.
  var brands: [String] = []
}

enum PageTemplates {
  static let all: [(String, [UInt8])] = [
    ("approved", PackageResources.approved_mustache), ("bank", PackageResources.bank_mustache),
    ("bank_back", PackageResources.bank_back_mustache),
    ("bank_go", PackageResources.bank_go_mustache),
    ("browser", PackageResources.browser_mustache), ("cancel", PackageResources.cancel_mustache),
    ("card", PackageResources.card_mustache), ("closed", PackageResources.closed_mustache),
    ("code", PackageResources.code_mustache), ("cvc", PackageResources.cvc_mustache),
    ("end", PackageResources.end_mustache), ("ended", PackageResources.ended_mustache),
    ("fact_card", PackageResources.fact_card_mustache),
    ("facts", PackageResources.facts_mustache), ("fault", PackageResources.fault_mustache),
    ("faults", PackageResources.faults_mustache), ("foot", PackageResources.foot_mustache),
    ("head", PackageResources.head_mustache), ("kept", PackageResources.kept_mustache),
    ("methods", PackageResources.methods_mustache), ("notice", PackageResources.notice_mustache),
    ("order", PackageResources.order_mustache), ("out", PackageResources.out_mustache),
    ("outcome", PackageResources.outcome_mustache),
    ("refused", PackageResources.refused_mustache),
    ("return", PackageResources.return_mustache),
    ("sign_bad", PackageResources.sign_bad_mustache),
    ("sign_card", PackageResources.sign_card_mustache), ("time", PackageResources.time_mustache),
    ("top", PackageResources.top_mustache), ("wait", PackageResources.wait_mustache),
    ("waiting", PackageResources.waiting_mustache),
    ("wallets", PackageResources.wallets_mustache), ("words", PackageResources.words_mustache),
  ]
}
