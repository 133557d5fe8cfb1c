import ArgumentParser
import Glibc
import JSON

struct UpCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "up",
    abstract: "Run a throwaway vault and an acquirer.",
    discussion: """
      The directory holds everything: certificates, configuration, keys, store, logs. It is made \
      where it is absent, and started again as it is where it is there, on new ports. When both \
      answer, one line of JSON says where; SIGTERM or SIGINT stops both. With --shop the payment \
      page, a shop and a PayPal that pretends run too: a browser trusts their addresses when it has \
      imported pki/ca.pem as an authority.
      """)

  @Option(help: ArgumentHelp("The installation's directory.", valueName: "dir"))
  var directory: String

  @Flag(help: "Run the payment page, a shop and a PayPal that pretends too.")
  var shop = false

  func run() throws {
    let signals = SignalWaiter(SIGTERM, SIGINT, SIGCHLD)
    let programs = try Programs.beside()
    let installation = try Installation(directory: try DevelopmentFiles.absolute(directory))
    let places = try LoopbackPort.choose(7).map { Endpoint(host: "127.0.0.1", port: $0) }
    let (vault, acquirer, acs) = (places[0], places[1], places[2])
    try installation.prepare(vault: vault, acquirer: acquirer, program: programs.vault)
    let page = PageInstallation.Places(
      vault: vault, page: places[3], shops: places[4], shop: places[5], paypal: places[6])
    let further = shop ? try self.further(installation, programs, page) : []
    let supervisor = Supervisor(installation: installation, signals: signals)
    try supervisor.run(
      vault: vault, acquirer: acquirer, accessControl: acs, programs: programs, further: further
    ) { service, simulator, further in
      let json = JSONWriter.document { json in
        json.member("vault", string: vault.url)
        json.member("acquirer", string: acquirer.url)
        json.member("acs", string: acs.url)
        if shop {
          json.member("page", string: page.page.url)
          json.member("shops", string: page.shops.url)
          json.member("shop", string: page.shop.url)
          json.member("paypal", string: page.paypal.url)
        }
        json.member("directory", string: installation.directory)
        json.member("vault_pid", integer: service.pid)
        json.member("acquirer_pid", integer: simulator.pid)
        for child in further { json.member(JSONName("\(child.name)_pid"), integer: child.pid) }
      }
      Terminal.say(String(decoding: json, as: UTF8.self))
    }
  }

  /// The page, and what it needs.
  private func further(
    _ installation: Installation, _ programs: Programs, _ places: PageInstallation.Places
  ) throws(DevelopmentError) -> [Supervisor.Further] {
    let part = PageInstallation(installation: installation)
    try part.prepare(places)
    let pki = installation.path("pki")
    return [
      Supervisor.Further(
        name: "paypal",
        command: [
          programs.development, "paypal", "--pki", pki, "--listen", "\(places.paypal)",
          "--secret-file", part.walletSecret,
        ], endpoints: [places.paypal]),
      Supervisor.Further(
        name: "page", command: [programs.page, "serve", "--config", part.configuration],
        endpoints: [places.page, places.shops]),
      Supervisor.Further(
        name: "shop",
        command: [
          programs.development, "shop", "--pki", pki, "--listen", "\(places.shop)",
          "--page-shops", places.shops.url, "--page-public", places.page.url,
          "--vault", places.vault.url, "--secret-file", part.shopSecret, "--control",
        ], endpoints: [places.shop]),
    ]
  }
}
