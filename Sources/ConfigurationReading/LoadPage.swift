import AccessPolicy
import Bytes
internal import Cryptography
import Foundation
import Glibc
internal import SecretMemory

// The sections of the payment page's configuration.

extension ConfigurationLoader {
  func page(_ reader: MappingReader, file: String) -> PageConfiguration? {
    let (shopper, publicURL) = publicListener(reader)
    let shops = reader.requiredMapping("shops").flatMap { section in
      defer { section.finish() }
      return pageListener(section, port: 9_444)
    }
    let store = requiredPath(reader, "store")
    let vault = reader.requiredMapping("vault").flatMap { pageVault($0) }
    let brands = brands(reader)
    let administration = administration(reader)
    let metrics = reader.mapping("metrics").flatMap { section in
      defer { section.finish() }
      return pageAddress(section, "listen", port: 9_465)
    }
    let proxies = (reader.strings("trusted_proxies") ?? []).map { text, position in
      var address = in6_addr()
      let families = [AF_INET, AF_INET6]
      let isAddress = families.contains { unsafe inet_pton($0, text, &address) == 1 }
      if !isAddress {
        diagnostics.report(
          "\(quoted(text)) is not the address of a proxy", at: position,
          suggestion: "for example 192.0.2.10")
      }
      return text
    }
    let ancestors = (reader.strings("frame_ancestors") ?? []).compactMap { text, position in
      origin(text, of: "frame_ancestors", at: position)
    }
    let bounds = pageBounds(reader)
    let paypal = reader.mapping("wallets").flatMap { section in
      defer { section.finish() }
      return section.mapping("paypal").flatMap { pagePayPal($0) }
    }
    let isTest = reader.boolean("test") ?? false
    let merchants = pageMerchants(reader, hasPayPal: paypal != nil)
    reader.finish()
    guard let shopper, let publicURL, let shops, let store, let vault, let brands,
      let administration,
      diagnostics.isEmpty
    else { return nil }
    return PageConfiguration(
      file: file, public: shopper, publicURL: publicURL, shops: shops, storePath: store,
      vault: vault, brands: brands, administration: administration, metrics: metrics,
      trustedProxies: proxies, frameAncestors: ancestors, bounds: bounds, paypal: paypal,
      merchants: merchants.sorted { $0.name < $1.name }, isTest: isTest)
  }

  private func publicListener(
    _ reader: MappingReader
  ) -> (PageConfiguration.Listener?, String?) {
    guard let section = reader.requiredMapping("public") else { return (nil, nil) }
    defer { section.finish() }
    let listener = pageListener(section, port: 9_443)
    let url = section.requiredString("url").flatMap {
      origin($0, of: section.path("url"), at: section.position(of: "url"))
    }
    return (listener, url)
  }

  /// `https://host[:port]` and nothing behind it; reports another form.
  private func origin(
    _ text: String, of path: String, at position: ConfigurationTree.Position
  ) -> String? {
    if let url = BaseURL(text), url.path.isEmpty { return url.description }
    diagnostics.report(
      "\(quoted(path)) expects https://host[:port], found \(quoted(text))", at: position,
      suggestion: "for example https://pay.example")
    return nil
  }

  private func pageListener(
    _ section: MappingReader, port: UInt16
  ) -> PageConfiguration.Listener? {
    let address = pageAddress(section, "listen", port: port)
    guard let address, let (certificate, key) = pairFiles(section) else { return nil }
    return PageConfiguration.Listener(
      address: address, certificatePath: certificate, privateKeyPath: key)
  }

  /// A certificate and its private key, which belong together.
  private func pairFiles(_ section: MappingReader) -> (String, String)? {
    let certificate = requiredFile(section, "certificate")
    let key = requiredFile(section, "private_key", isPrivate: true)
    guard let certificate, let key else { return nil }
    if let problem = PairFiles.problem(certificatePath: certificate, privateKeyPath: key) {
      diagnostics.report(
        "\(problem.file) \(problem.message)", at: section.position(of: "certificate"),
        suggestion: problem.suggestion)
      return nil
    }
    return (certificate, key)
  }

  /// Reports a file of authorities in which there is none.
  private func checkAuthorities(_ section: MappingReader, _ key: String, _ paths: [String?]) {
    for path in paths.compactMap({ $0 }) {
      guard let bytes = try? ConfigurationFiles.read(path, maximumBytes: 1 << 20),
        (try? AuthorityCertificate.read(bytes)) == nil
      else { continue }
      diagnostics.report(
        "\(path) holds no certificate of an authority", at: section.position(of: key),
        suggestion: "certificates in PEM, and nothing else")
    }
  }

  /// Reports a secret that is too short to be one. A line's end is not counted.
  private func checkSecret(
    _ section: MappingReader, _ key: String, _ path: String?, least: Int
  ) {
    guard let path, var bytes = try? ConfigurationFiles.read(path, maximumBytes: 4_096) else {
      return
    }
    defer { unsafe bytes.withUnsafeMutableBytes { unsafe wipe($0) } }
    let count = bytes.count - (bytes.reversed().prefix { $0 == 0x0A || $0 == 0x0D }.count)
    guard count < least else { return }
    diagnostics.report(
      "\(path) holds \(count) bytes, and a secret has \(least) at least",
      at: section.position(of: key), suggestion: "for example openssl rand -hex 32")
  }

  private func pageAddress(
    _ section: MappingReader, _ key: String, port: UInt16
  ) -> ListenAddress? {
    guard section.has(key) else { return ListenAddress(host: "127.0.0.1", port: port) }
    guard let text = section.string(key) else { return nil }
    guard let address = HostAndPort(text) else {
      diagnostics.report(
        "\(quoted(section.path(key))) expects host:port, found \(quoted(text))",
        at: section.position(of: key), suggestion: "for example 127.0.0.1:\(port)")
      return nil
    }
    return ListenAddress(host: address.host, port: address.port)
  }

  private func pageVault(_ section: MappingReader) -> PageConfiguration.Vault? {
    defer { section.finish() }
    let url = section.requiredTree("url") == nil ? nil : BaseURL.read(section, "url")
    let authority = requiredFile(section, "ca")
    let name = section.string("server_name")
    checkAuthorities(section, "ca", [authority])
    guard let url, let authority else { return nil }
    return PageConfiguration.Vault(
      url: url, authorityPath: authority, serverName: name ?? url.host)
  }

  private func pageBounds(_ reader: MappingReader) -> PageConfiguration.Bounds {
    var bounds = PageConfiguration.Bounds()
    guard let section = reader.mapping("limits") else { return bounds }
    let allowed = 1...1_000_000
    if let value = section.integer("attempts_by_address_per_minute", in: allowed) {
      bounds.byAddress = value
    }
    if let value = section.integer("attempts_by_card_per_hour", in: allowed) {
      bounds.byCard = value
    }
    if let value = section.integer("attempts_by_bin_per_minute", in: allowed) {
      bounds.byBIN = value
    }
    section.finish()
    return bounds
  }

  private func pagePayPal(_ section: MappingReader) -> PageConfiguration.PayPal? {
    defer { section.finish() }
    let url = section.requiredTree("url") == nil ? nil : BaseURL.read(section, "url")
    let authority = section.has("ca") ? file(section, "ca") : nil
    checkAuthorities(section, "ca", [authority])
    let id = section.requiredString("client_id")
    let secret = requiredFile(section, "secret_file", isPrivate: true)
    checkSecret(section, "secret_file", secret, least: 1)
    guard let url, let id, let secret else { return nil }
    return PageConfiguration.PayPal(
      url: url, authorityPath: authority, clientID: id, secretPath: secret)
  }
}

// MARK: - Merchants

extension ConfigurationLoader {
  private func pageMerchants(
    _ reader: MappingReader, hasPayPal: Bool
  ) -> [PageConfiguration.Merchant] {
    guard let section = reader.requiredMapping("merchants") else { return [] }
    if section.named.isEmpty {
      diagnostics.report("\"merchants\" is empty", at: section.position)
    }
    return section.named.compactMap { member in
      guard isName(member, of: "a merchant"),
        let one = MappingReader(member.tree, name: section.path(member.key), diagnostics)
      else { return nil }
      defer { one.finish() }
      return pageMerchant(one, member.key, hasPayPal: hasPayPal)
    }
  }

  private func pageMerchant(
    _ reader: MappingReader, _ name: String, hasPayPal: Bool
  ) -> PageConfiguration.Merchant? {
    let before = diagnostics.count
    let shopName = reader.requiredString("name") ?? ""
    if shopName.count > 60 {
      diagnostics.report(
        "\(quoted(reader.path("name"))) has \(shopName.count) characters, 60 fit on a telephone",
        at: reader.position(of: "name"))
    }
    let identity = identity(
      reader, of: .merchant(name: name, operations: [.tokenize, .detokenize, .delete]))
    if let clients = identity?.clients, clients.contains(where: { !$0.isUnrestricted }) {
      diagnostics.report(
        "\(quoted(reader.path("clients"))) has operations or quotas, and the page has none of them",
        at: reader.position(of: "clients"), suggestion: "name the identities alone")
    }
    checkAuthorities(reader, "client_ca", identity?.authority.certificatePaths ?? [])
    let pair = reader.requiredMapping("vault").flatMap { section in
      defer { section.finish() }
      return pairFiles(section)
    }
    let acquirer = reader.requiredString("acquirer")
    let methods = words(reader, "methods", among: ["card", "paypal"], default: ["card"])
    if methods.contains("paypal"), !hasPayPal {
      diagnostics.report(
        "\(quoted(reader.path("methods"))) has paypal, and there is no \"wallets.paypal\"",
        at: reader.position(of: "methods"))
    }
    let returnURLs = returnURLs(reader)
    let inputs = inputNames(reader)
    let notify = reader.mapping("notify").flatMap { pageNotify($0) }
    let languages = words(
      reader, "languages", among: ["fr", "en", "de"], default: ["fr", "en", "de"])
    let attempts = reader.integer("attempts", in: 1...20) ?? 5
    let minutes = reader.integer("minutes", in: 1...1_440) ?? 30
    let mayProlong = reader.boolean("prolong") ?? true
    let zone = reader.string("time_zone") ?? "Europe/Paris"
    if TimeZone(identifier: zone) == nil {
      diagnostics.report(
        "\(quoted(zone)) is not the name of a time zone", at: reader.position(of: "time_zone"),
        suggestion: "for example Europe/Paris")
    }
    let acquirerName = reader.string("acquirer_name")
    let help = link(reader, "help_url")
    let privacy = link(reader, "privacy_url")
    guard diagnostics.count == before, let identity, let acquirer,
      let (certificate, key) = pair
    else { return nil }
    return PageConfiguration.Merchant(
      name: name, shopName: shopName, clients: identity.clients.map(\.id),
      clientAuthorityPaths: identity.authority.certificatePaths,
      clientRevocationPaths: identity.authority.revocationListPaths,
      vaultCertificatePath: certificate, vaultPrivateKeyPath: key, acquirer: acquirer,
      methods: methods, returnURLs: returnURLs, inputs: inputs, notify: notify,
      languages: languages, attempts: attempts, minutes: minutes, mayProlong: mayProlong,
      timeZone: zone, acquirerName: acquirerName, helpURL: help, privacyURL: privacy)
  }

  private func words(
    _ reader: MappingReader, _ key: String, among allowed: [String], default: [String]
  ) -> [String] {
    guard let words = reader.strings(key) else { return `default` }
    if words.isEmpty {
      diagnostics.report("\(quoted(reader.path(key))) is empty", at: reader.position(of: key))
    }
    for (word, position) in words where !allowed.contains(word) {
      reportUnknown(word, as: key, among: allowed, at: position)
    }
    return words.map(\.text)
  }

  private func inputNames(_ reader: MappingReader) -> [String] {
    (reader.strings("inputs") ?? []).map { text, position in
      let isName =
        (1...32).contains(text.utf8.count)
        && text.utf8.allSatisfy { ($0 >= 0x61 && $0 <= 0x7A) || isDigit($0) || $0 == 0x5F }
      if !isName {
        diagnostics.report(
          "\(quoted(text)) is not the name of an input", at: position,
          suggestion: "small letters, digits and underscores")
      }
      return text
    }
  }

  private func returnURLs(_ reader: MappingReader) -> [String] {
    guard reader.requiredTree("return_urls") != nil else { return [] }
    let texts = reader.strings("return_urls") ?? []
    for (text, position) in texts where BaseURL(text) == nil || !text.hasSuffix("/") {
      diagnostics.report(
        "\(quoted(reader.path("return_urls"))) expects addresses that end with a slash, found "
          + "\(quoted(text))", at: position, suggestion: "for example https://shop.example/")
    }
    if texts.isEmpty {
      diagnostics.report(
        "\(quoted(reader.path("return_urls"))) is empty", at: reader.position(of: "return_urls"))
    }
    return texts.map(\.text)
  }

  private func pageNotify(_ section: MappingReader) -> PageConfiguration.Notify? {
    defer { section.finish() }
    let url = section.requiredTree("url") == nil ? nil : BaseURL.read(section, "url")
    let authority = section.has("ca") ? file(section, "ca") : nil
    checkAuthorities(section, "ca", [authority])
    let secret = requiredFile(section, "secret_file", isPrivate: true)
    checkSecret(section, "secret_file", secret, least: 16)
    guard let url, let secret else { return nil }
    return PageConfiguration.Notify(url: url, authorityPath: authority, secretPath: secret)
  }

  private func link(_ reader: MappingReader, _ key: String) -> String? {
    guard let text = reader.string(key) else { return nil }
    if text.hasPrefix("https://"), text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) { return text }
    diagnostics.report(
      "\(quoted(reader.path(key))) expects an address that begins with https://, found "
        + quoted(text), at: reader.position(of: key))
    return nil
  }
}
