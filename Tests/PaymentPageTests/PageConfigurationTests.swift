import ConfigurationReading
import Foundation
import TestSupport
import Testing

/// The sample in `deploy/`, and what is said of mistakes in it.
@Suite struct PageConfigurationTests {
  private let directory: TemporaryDirectory
  private static let sample = String(decoding: PackageResources.page_yaml, as: UTF8.self)

  /// Every file that the sample names: one pair, made by openssl(1), under each name.
  init() throws {
    directory = try TemporaryDirectory()
    let openssl = Process()
    openssl.executableURL = URL(filePath: "/usr/bin/openssl")
    openssl.currentDirectoryURL = URL(filePath: directory.path)
    openssl.arguments = [
      "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-days",
      "30", "-subj", "/CN=pay.example", "-addext", "subjectAltName=DNS:pay.example", "-keyout",
      "one.key", "-out", "one.pem",
    ]
    openssl.standardError = FileHandle.nullDevice
    try openssl.run()
    openssl.waitUntilExit()
    let files = FileManager.default
    for name in ["public", "shops", "vault-ca", "shop-ca", "shop-page"] {
      try files.copyItem(
        atPath: "\(directory.path)/one.pem", toPath: "\(directory.path)/\(name).pem")
      try files.copyItem(
        atPath: "\(directory.path)/one.key", toPath: "\(directory.path)/\(name).key")
      try files.setAttributes(
        [.posixPermissions: 0o600], ofItemAtPath: "\(directory.path)/\(name).key")
    }
    try write("shop.secret", "0123456789abcdef\n")
    try write("paypal.secret", "secret\n")
  }

  /// A file that nobody else may read.
  private func write(_ name: String, _ text: String) throws {
    let path = "\(directory.path)/\(name)"
    try Data(text.utf8).write(to: URL(filePath: path))
    try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
  }

  private func load(_ text: String) throws(ConfigurationError) -> PageConfiguration {
    let path = "\(directory.path)/page.yaml"
    try? write("page.yaml", text)
    return try PageConfiguration.load(path: path)
  }

  @Test func theSampleHasNoMistake() throws {
    let configuration = try load(Self.sample)
    #expect(configuration.publicURL == "https://pay.example")
    let shop = try #require(configuration.merchants.first)
    #expect(shop.clients == ["spiffe://shop.example/backend"] && shop.attempts == 5)
    #expect(shop.returnURLs == ["https://shop.example/"] && shop.mayProlong)
    #expect(configuration.bounds.byAddress == 20 && configuration.bounds.byCard == 5)
  }

  @Test(arguments: [
    ("minutes: 30", "minutes: 0", "from 1 to 1440"),
    ("methods: [card]", "methods: [card, paypal]", "there is no \"wallets.paypal\""),
    ("methods: [card]", "methods: [cash]", "unknown methods \"cash\""),
    ("[\"https://shop.example/\"]", "[\"https://shop.example\"]", "end with a slash"),
    ("Europe/Paris", "Europe/Lutetia", "not the name of a time zone"),
    ("url: \"https://pay.example\"", "url: \"https://pay.example/p\"", "https://host[:port]"),
    ("trusted_proxies: []", "trusted_proxies: [nonsense]", "not the address of a proxy"),
    ("languages: [fr, en, de]", "languages: [fr, it]", "unknown languages \"it\""),
    ("attempts: 5", "atempts: 5", "did you mean \"attempts\"?"),
    ("name: \"Maison Exemple\"", "nam: \"Maison Exemple\"", "\"merchants.shop.name\" is missing"),
    (
      "clients: [\"spiffe://shop.example/backend\"]",
      "clients: [{id: \"spiffe://shop.example/backend\", operations: [tokenize]}]",
      "name the identities alone"
    ),
  ]) func aMistakeIsNamed(_ good: String, _ bad: String, _ words: String) {
    #expect(Self.sample.contains(good))
    let text = Self.sample.replacing(good, with: bad, maxReplacements: 1)
    do throws(ConfigurationError) {
      _ = try load(text)
      Issue.record("no mistake is found")
    } catch {
      #expect(error.diagnostics.contains { "\($0)".contains(words) }, "\(error.diagnostics)")
    }
  }
}

/// Files that are there, and of which nothing can come.
extension PageConfigurationTests {
  @Test(arguments: [
    ("vault-ca.pem", "nothing\n", "holds no certificate of an authority"),
    ("shop-ca.pem", "", "holds no certificate of an authority"),
    ("shop.secret", "0123456789abcde\n", "holds 15 bytes"), ("shop.secret", "\n", "holds 0 bytes"),
    ("shop-page.key", "", "shop-page.key is empty"),
  ]) func aFileOfNoUseIsNamed(_ name: String, _ text: String, _ words: String) throws {
    #expect(Self.sample.contains(name))
    try write(name, text)
    do throws(ConfigurationError) {
      _ = try load(Self.sample)
      Issue.record("no mistake is found")
    } catch {
      #expect(error.diagnostics.contains { "\($0)".contains(words) }, "\(error.diagnostics)")
    }
  }
}

/// The description of the shops' interface against what the page can answer.
@Suite struct PageOpenAPITests {
  @Test(arguments: [
    ("/v1/payments", "post", ["201", "400", "403", "422"]),
    ("/v1/payments/{payment}", "get", ["200", "403", "404"]),
    ("/v1/payments/{payment}/cancel", "post", ["200", "400", "404", "409"]),
    ("/v1/payments/{payment}/settle", "post", ["200", "400", "404", "409", "422"]),
  ]) func eachOperationListsItsStatuses(
    _ path: String, _ method: String, _ statuses: [String]
  ) throws {
    let diagnostics = Diagnostics()
    let tree = ConfigurationTree.parse(
      PackageResources.openapi_page_yaml, file: "openapi-page.yaml", diagnostics)
    #expect(diagnostics.all.map(\.description) == [])
    let document = try #require(tree)
    let root = try #require(MappingReader(document, name: "", diagnostics))
    let operation = root.mapping("paths")?.mapping(path)?.mapping(method)
    let answers = try #require(operation?.mapping("responses")?.named.map(\.key))
    #expect(Set(statuses).isSubset(of: Set(answers)))
  }
}
