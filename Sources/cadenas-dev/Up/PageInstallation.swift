import Glibc

/// The payment page's part of an installation: its configuration, its store, and what it shares with the
/// demo shop.
struct PageInstallation {
  /// Where its listeners and those that it speaks to listen.
  struct Places {
    let vault: Endpoint
    let page: Endpoint
    let shops: Endpoint
    let shop: Endpoint
    let paypal: Endpoint
  }

  let installation: Installation

  var configuration: String { installation.path("page.yaml") }
  /// The secret of notifications and return addresses.
  var shopSecret: String { installation.path("shop.secret") }
  var walletSecret: String { installation.path("wallet.secret") }

  /// Makes what is missing, and sets the ports.
  func prepare(_ places: Places) throws(DevelopmentError) {
    try DevelopmentPKI.complete(in: installation.path("pki"))
    if !DevelopmentFiles.exists(installation.path("payments")) {
      try DevelopmentFiles.makeDirectory(installation.path("payments"))
    }
    for path in [shopSecret, walletSecret] where !DevelopmentFiles.exists(path) {
      try DevelopmentFiles.write(Array((Self.secret() + "\n").utf8), to: path)
      guard unsafe chmod(path, 0o600) == 0 else { throw .system(path) }
    }
    try admitPage()
    var text =
      try DevelopmentFiles.exists(configuration)
      ? DevelopmentFiles.readText(configuration) : fresh()
    text = Self.setPorts(places, in: text)
    try DevelopmentFiles.write(Array(text.utf8), to: configuration)
    unsafe unlink(installation.path("page.sock"))
  }

  /// Gives the page the merchant's rights at the vault.
  private func admitPage() throws(DevelopmentError) {
    let text = try DevelopmentFiles.readText(installation.configuration)
    guard !text.contains("spiffe://shop.example/page") else { return }
    let checkout = "clients: [\"spiffe://shop.example/checkout\"]"
    guard text.contains(checkout) else {
      throw .invalid("cadenas.yaml has no line '\(checkout)' to add the page's identity to")
    }
    let both =
      "clients: [\"spiffe://shop.example/checkout\", {id: \"spiffe://shop.example/page\", "
      + "operations: [tokenize, detokenize, delete]}]"
    try DevelopmentFiles.write(
      Array(text.replacing(checkout, with: both, maxReplacements: 1).utf8),
      to: installation.configuration)
  }

  private func fresh() throws(DevelopmentError) -> String {
    let user = getuid()
    guard let entry = unsafe getpwuid(user), let name = unsafe entry.pointee.pw_name else {
      throw .unexpected("user \(user) has no name, and the administration socket knows names only")
    }
    return String(decoding: PackageResources.page_yaml, as: UTF8.self)
      .replacing("USER", with: unsafe String(cString: name))
  }

  /// Sets the addresses in the lines that have them, and leaves every other line as its owner wrote it.
  private static func setPorts(_ places: Places, in text: String) -> String {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
      let start = line.drop { $0 == " " }
      let blank = String(line.prefix(line.count - start.count))
      func after(_ key: String, _ rest: String) -> String? {
        guard start.hasPrefix(key) else { return nil }
        let end = line.range(of: ", certificate") ?? line.range(of: ", ca:")
        return blank + rest + (end.map { String(line[$0.lowerBound...]) } ?? "")
      }
      return after("public: ", "public: {listen: \(places.page), url: \"\(places.page.url)\"")
        ?? after("shops: ", "shops: {listen: \(places.shops)")
        ?? after("vault: {url", "vault: {url: \"\(places.vault.url)\"")
        ?? after("paypal: {url", "paypal: {url: \"\(places.paypal.url)\"")
        ?? after("notify: {url", "notify: {url: \"\(places.shop.url)/payments\"")
        ?? (start.hasPrefix("return_urls: ")
          ? blank + "return_urls: [\"\(places.shop.url)/\"]" : String(line))
    }
    return lines.joined(separator: "\n")
  }

  /// 256 random bits.
  private static func secret() -> String {
    var random = SystemRandomNumberGenerator()
    let digits = (0..<4).map { _ in
      let text = String(random.next() as UInt64, radix: 16)
      return String(repeating: "0", count: 16 - text.count) + text
    }
    return digits.joined()
  }
}

extension Substring {
  /// Where `text` begins and ends in it.
  fileprivate func range(of text: String) -> Range<Index>? { firstRange(of: text) }
}
