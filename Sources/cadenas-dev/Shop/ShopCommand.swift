import ArgumentParser
import Glibc

struct ShopCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "shop",
    abstract: "Run a small shop that takes its payments by the payment page.",
    discussion: """
      A client of the payment page with the pair shop-backend, and of the vault, where that is named, \
      with the pair shop; its own certificate is the vault's, for localhost. It keeps everything in \
      memory. When it answers, one line of JSON says where; SIGTERM or SIGINT stops it.
      """)

  @Option(help: ArgumentHelp("The development certificates.", valueName: "dir"))
  var pki: String

  @Option(help: ArgumentHelp("The payment page's listener for shops.", valueName: "url"))
  var pageShops: String

  @Option(
    help: ArgumentHelp(
      "What the page's addresses for shoppers begin with.", valueName: "url"))
  var pagePublic: String

  @Option(
    help: ArgumentHelp(
      "What the page signs with: the bytes of the file, without its end of line.",
      valueName: "file"))
  var secretFile: String

  @Option(
    help: ArgumentHelp("The vault, from which customers remove kept cards.", valueName: "url"))
  var vault: String?

  @Option(help: ArgumentHelp("Address and port; port 0 for a free one.", valueName: "address"))
  var listen = "127.0.0.1:0"

  @Option(
    help: ArgumentHelp(
      "How notifications are answered: ok; 500; slow, after 30 s; drop, the connection is closed; "
        + "twice, each has to come twice.", valueName: "mode"))
  var notifications = NotificationMode.ok

  @Flag(
    help: ArgumentHelp(
      "Let programs on this machine change that (POST /control/notifications with mode) and ask "
        + "what became of orders (GET /control/orders)."))
  var control = false

  func run() throws {
    let signals = SignalWaiter(SIGTERM, SIGINT)
    let settings = Shop.Settings(
      pageShops: try Self.address(pageShops), pagePublic: try Self.address(pagePublic),
      vault: try vault.map { try Self.address($0) },
      secret: try DevelopmentFiles.readSecret(secretFile), notifications: notifications,
      hasControl: control)
    let server = try Shop.start(
      settings, on: try Endpoint(listen), with: TLSMaterial(directory: pki))
    Terminal.say(#"{"shop":"\#(server.endpoint.url)"}"#)
    _ = signals.wait()
  }

  /// An address without the stroke at its end.
  private static func address(_ text: String) throws(DevelopmentError) -> String {
    guard text.hasPrefix("https://"), text.utf8.count > "https://".utf8.count else {
      throw .invalid("'\(text)' is not an address that begins with https://")
    }
    return text.hasSuffix("/") ? String(text.dropLast()) : text
  }
}

extension NotificationMode: ExpressibleByArgument {}
