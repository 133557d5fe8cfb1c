import AccessPolicy
import AuditLog
import Cards
import ConfigurationReading
import Keyring
import RecordFormat
import TestSupport
import Testing

/// The files in `deploy/` that an operator begins with.
@Suite struct SampleTests {
  let directory: TemporaryDirectory
  let sample = String(decoding: PackageResources.cadenas_yaml, as: UTF8.self)

  /// Every file that the sample names, beside the sample itself.
  init() throws {
    directory = try TemporaryDirectory()
    try directory.write("cadenas.yaml", sample)
    try directory.write(
      "brands.yaml", String(decoding: PackageResources.brands_yaml, as: UTF8.self))
    try directory.write(
      "alarms.yaml", String(decoding: PackageResources.alarms_yaml, as: UTF8.self))
    for name in [
      "tls/server.pem", "tls/shop-ca.pem", "tls/shop-ca.crl", "tls/credit-du-nord-clients-ca.pem",
      "tls/credit-du-nord-clients-ca.crl", "tls/credit-du-nord-ca.pem",
      "tls/vault-at-credit-du-nord.pem", "acquirers/credit-du-nord.yaml",
    ] {
      try directory.write(name, name)
    }
    for name in [
      "tls/server.key", "tls/vault-at-credit-du-nord.key",
      "secrets/shop-credit-du-nord.password",
    ] {
      try directory.write(name, name, mode: 0o600)
    }
  }

  private func load() throws -> ServiceConfiguration {
    try ServiceConfiguration.load(path: directory.path + "/cadenas.yaml")
  }

  @Test func `the sample has no mistake`() throws {
    #expect(throws: Never.self) { try load() }
  }

  @Test func `the sample says where things are`() throws {
    let configuration = try load()
    #expect(!configuration.development)
    #expect(configuration.file == directory.path + "/cadenas.yaml")
    #expect(configuration.listen.host == "127.0.0.1")
    #expect(configuration.listen.port == 8443)
    #expect(configuration.store.path == "/var/lib/cadenas/store")
    #expect(configuration.store.mapSizeBytes == 64 << 30)
    #expect(configuration.tls.privateKeyPath == directory.path + "/tls/server.key")
    #expect(configuration.keys == .credentials)
    let year: UInt64 = 365 * 86_400
    let rules = configuration.keyRules
    #expect(
      rules.cryptoperiods
        == Cryptoperiods(seconds: [
          .kek: year, .data: year, .fingerprint: 2 * year, .audit: 2 * year,
        ]))
    #expect(rules.warningSeconds == 30 * 86_400)
    #expect(rules.sealBound == 1 << 48)
    #expect(configuration.distinctAccounts)
    #expect(configuration.limits == Limits())
  }

  @Test func `the sample says who administers`() throws {
    let administration = try load().administration
    #expect(administration.socketPath == "/run/cadenas/admin.sock")
    #expect(administration.socketGroup == "cadenas-admin")
    #expect(administration.operators == [.user("ann"), .user("ben")])
    #expect(administration.auditors == [.group("audit")])
    #expect(administration.custodians == [.group("custodians")])
    #expect(administration.monitors == [.user("prometheus")])
    #expect(
      administration.approvals == ["destroy": 2, "forget": 2, "archive": 2, "ceremony": 2])
    #expect(!administration.ticketsRequired)
  }

  @Test func `the sample's policy is what it says`() throws {
    let configuration = try load()
    let policy = configuration.policy(generation: 3)
    #expect(policy.generation == 3)
    let shop = try #require(policy.merchants["shop"])
    #expect(shop.number == 1)
    #expect(shop.operations == [.tokenize, .detokenize, .delete])
    #expect(
      shop.quotas
        == Quotas(tokenizePerMinute: 120, detokenizePerMinute: 120, deletePerMinute: 120))
    #expect(shop.deduplicate)
    #expect(
      shop.authority
        == AuthorityReference(
          certificatePaths: [directory.path + "/tls/shop-ca.pem"],
          revocationListPaths: [directory.path + "/tls/shop-ca.crl"]))
    let acquirer = try #require(policy.acquirers["credit-du-nord"])
    #expect(acquirer.currencies == ["EUR", "USD", "GBP", "CHF"])
    let settings = MerchantAcquirer(
      constants: ["merchant_id": "12345678"],
      basic: BasicCredentials(
        user: "12345678",
        passwordFile: directory.path + "/secrets/shop-credit-du-nord.password"))
    #expect(
      policy.acquirer(named: "credit-du-nord", for: shop) == .permitted(acquirer, settings))
    #expect(policy.acquirerMayRead(acquirer, merchantNumber: 1))
    #expect(
      policy.principals(for: "spiffe://credit-du-nord.example/authorization").map(\.principal)
        == [.acquirer(acquirer)])
  }

  @Test func `the sample says how payments reach the acquirer`() throws {
    let push = try #require(try load().push["credit-du-nord"])
    #expect(push.templatePath == directory.path + "/acquirers/credit-du-nord.yaml")
    #expect(push.url?.description == "https://payments.credit-du-nord.example/api")
    let tls = try #require(push.tls)
    #expect(tls.caPath == directory.path + "/tls/credit-du-nord-ca.pem")
    #expect(tls.serverName == "payments.credit-du-nord.example")
    #expect(
      tls.clientCertificate
        == OutboundTLS.ClientCertificate(
          certificatePath: directory.path + "/tls/vault-at-credit-du-nord.pem",
          privateKeyPath: directory.path + "/tls/vault-at-credit-du-nord.key"))
  }

  @Test func `the sample shows every limit`() {
    for entry in Limits.entries {
      #expect(sample.contains("\n  \(entry.name): \(entry.value(in: Limits()))\n"))
    }
  }

  @Test func `the brands file is the table built into the vault`() throws {
    let table = try load().brands
    #expect(table.ranges == BrandTable.standard.ranges)
  }

  @Test func `the alarm file begins with the rules built into the vault`() throws {
    let rules = try load().alarms
    #expect(Array(rules.prefix(AlarmRule.standard.count)) == AlarmRule.standard)
    let many = try #require(rules.first { $0.name == "many-detokenizations" })
    #expect(
      many
        == AlarmRule(
          name: "many-detokenizations", operations: [.detokenize],
          outcomes: [.released, .intent], subject: .client, threshold: 600, windowSeconds: 60))
    let keys = try #require(rules.first { $0.name == "keys" })
    #expect(keys.keys && keys.windowSeconds == nil)
  }

  @Test func `alarms may be told to a webhook, by their own file of rules or those built in`()
    throws
  {
    let notify = "notify: {url: \"https://siem.example:8444/hook\", ca: tls/shop-ca.pem}"
    for (rules, count) in [
      ("rules: alarms.yaml, ", try load().alarms.count), ("", AlarmRule.standard.count),
    ] {
      try directory.write(
        "cadenas.yaml",
        sample.replacing("\nalarms: alarms.yaml\n", with: "\nalarms: {\(rules)\(notify)}\n"))
      let configuration = try load()
      #expect(configuration.alarms.count == count)
      let notice = try #require(configuration.alarmNotice)
      #expect(notice.url.description == "https://siem.example:8444/hook")
      #expect(notice.caPath == directory.path + "/tls/shop-ca.pem")
    }
  }

  @Test func `the sample says what is streamed, and by what the clock is known to be right`() throws
  {
    let configuration = try load()
    #expect(configuration.audit.stream == .journal)
    #expect(configuration.audit.streamPath == "/run/systemd/journal/socket")
    #expect(configuration.clock == ClockSettings())
    #expect(configuration.clock.synchronizedPath == "/run/systemd/timesync/synchronized")
    #expect(configuration.alarmNotice == nil)
  }

  @Test func `without an alarm file, the rules built into the vault are in force`() throws {
    try directory.write("cadenas.yaml", sample.replacing("\nalarms: alarms.yaml\n", with: "\n"))
    #expect(try load().alarms == AlarmRule.standard)
  }
}

/// The words that alarm rules may name, against the page that describes the log.
@Suite struct AlarmWordTests {
  /// The rows of the table of operations.
  private let rows: [[Substring]]

  init() throws {
    let page = String(decoding: PackageResources.AuditLog_md, as: UTF8.self)
    let start = try #require(page.firstRange(of: "| operation | outcome | reason |")).upperBound
    rows = page[start...].split(separator: "\n").prefix { $0.hasPrefix("|") }.dropFirst()
      .map { $0.split(separator: "|", omittingEmptySubsequences: false).map { $0 } }
  }

  /// The words in backticks of a column, from 0.
  private func words(_ column: Int) -> Set<String> {
    var words: Set<String> = []
    for row in rows where row.count > column + 1 {
      let parts = row[column + 1].split(separator: "`", omittingEmptySubsequences: false)
      for (index, part) in parts.enumerated() where index % 2 == 1 { words.insert(String(part)) }
    }
    return words
  }

  @Test func `the page tells of every operation, and of no other`() {
    #expect(rows.count > 20)
    let known = Set(AuditOperation.allCases.map(\.rawValue))
    // `system` is an actor, in the same column.
    let documented = words(0).subtracting(["system"])
    #expect(documented.subtracting(known).isEmpty, "add it to AuditOperation")
    #expect(known.subtracting(documented).isEmpty, "add it to the table of AuditLog.md")
  }

  @Test func `the page tells of every outcome, and of no other`() {
    #expect(words(1).subtracting(["system"]) == Set(AuditOutcome.allCases.map(\.rawValue)))
  }

  @Test func `a rule may name what a running service writes by way of its rules`() {
    #expect(
      AuditOperation.allCases.filter { !$0.mayRaiseAlarm }.map(\.rawValue)
        == ["keys.create", "store.restore", "alarm", "init"])
    // Alarms.md says why no rule sees these.
    #expect(
      AuditOutcome.allCases.filter { !$0.mayRaiseAlarm }.map(\.rawValue)
        == ["backwards", "raised"])
  }
}
