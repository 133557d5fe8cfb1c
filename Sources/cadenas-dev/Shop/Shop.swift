import Hummingbird
import HummingbirdTLS
import NIOCore

/// The shop of the demonstration: a catalogue, a basket, orders and accounts, and nothing of a card but what the
/// payment page tells. It is what a checkout team may copy from.
struct Shop: Sendable {
  /// What it is run with.
  struct Settings: Sendable {
    /// The page's listener for shops, and what the addresses begin with to which it sends shoppers.
    let pageShops: String
    let pagePublic: String
    /// The vault, which forgets kept cards; nil where the shop may not ask for that.
    let vault: String?
    /// What notifications and return addresses are signed with.
    let secret: [UInt8]
    /// How notifications are answered at first.
    let notifications: NotificationMode
    /// Whether programs on this machine may change that, and ask what became of orders.
    let hasControl: Bool
  }

  let settings: Settings
  /// What the shop's addresses begin with.
  let address: String
  let data = ShopData()
  let page: PaymentPageClient
  let vault: VaultClient?
  let signature: PaymentSignature
  let notifications: NotificationDesk
  let pages: ShopPages
  /// Of this run: orders of another one have the same references.
  let run = String(RandomText.token().prefix(12))

  init(_ settings: Settings, at address: String, with material: TLSMaterial)
    throws(DevelopmentError)
  {
    self.settings = settings
    self.address = address
    page = try PaymentPageClient(
      shops: settings.pageShops, publicAddress: settings.pagePublic, material: material)
    vault =
      if let vault = settings.vault { try VaultClient(vault: vault, material: material) } else {
        nil
      }
    signature = PaymentSignature(secret: settings.secret)
    notifications = NotificationDesk(mode: settings.notifications)
    pages = try ShopPages()
  }

  /// Listens on `endpoint`, port 0 for any free one, with the pair of the vault, which is for localhost.
  static func start(
    _ settings: Settings, on endpoint: Endpoint, with material: TLSMaterial
  ) throws(DevelopmentError) -> WebServer {
    // What it sends to the page names its own address, which with port 0 is not known before it listens.
    let endpoint =
      endpoint.port == 0
      ? Endpoint(host: endpoint.host, port: try LoopbackPort.choose(1)[0]) : endpoint
    let shop = try Shop(settings, at: endpoint.url, with: material)
    return try WebServer.start(
      shop.router(), on: endpoint, with: try material.publicServerConfiguration("vault"))
  }

  private func router() -> Router<WebContext> {
    let router = Router(context: WebContext.self, options: .autoGenerateHeadEndpoints)
    router.add(middleware: ShopGuard(shop: self))
    router.get("/") { request, _ in showCatalogue(request) }
    router.get("/basket") { request, _ in showBasket(request) }
    router.post("/basket/add") { request, _ in await add(request) }
    router.post("/basket/quantity") { request, _ in await changeQuantity(request) }
    router.post("/checkout") { request, _ in await checkOut(request) }
    router.get("/orders") { request, _ in showOrders(request) }
    router.get("/orders/{reference}") { request, context in await showOrder(request, context) }
    router.post("/orders/{reference}/pay") { request, context in await pay(request, context) }
    router.get("/orders/{reference}/invoice") { request, context in
      showInvoice(request, context, isFile: false)
    }
    router.get("/orders/{reference}/invoice.html") { request, context in
      showInvoice(request, context, isFile: true)
    }
    router.get("/account") { request, _ in showAccount(request) }
    router.post("/account/sign-in") { request, _ in await signIn(request) }
    router.post("/account/sign-out") { request, _ in signOut(request) }
    router.post("/account/cards/remove") { request, _ in await removeCard(request) }
    router.get("/help") { request, _ in showText("help", request) }
    router.get("/privacy") { request, _ in showText("privacy", request) }
    router.post("/payments") { request, context in await takeNotification(request, context) }
    for sheet in [pages.sheet, pages.invoiceSheet] {
      router.get(RouterPath(sheet.address)) { _, _ in Self.sheet(sheet) }
    }
    if settings.hasControl {
      router.post("/control/notifications") { request, context in
        await setNotifications(request, context)
      }
      router.get("/control/orders") { _, context in tellOrders(context) }
    }
    return router
  }

  private static func sheet(_ sheet: ShopPages.Sheet) -> Response {
    var response = Response.whole(.ok, "text/css; charset=utf-8", sheet.text)
    response.headers[.cacheControl] = "public, max-age=31536000, immutable"
    return response
  }
}
