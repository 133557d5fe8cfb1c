import AccessPolicy
import AcquirerGateway
import Bytes
import ConfigurationReading
import Cryptography
import Keyring
import RecordFormat
import VaultManagement
import VaultServer

/// What a service puts in force, as lines that can be compared with those of another start or reload: who
/// may do what, how often, by whose word, and where cards go.
///
/// A pure function of what was read. Nothing in them is secret: of constants, which nobody but the merchant
/// and its acquirer knows, a digest stands there, and of passwords nothing.
struct RuleLines {
  private var rules: Set<Rule> = []

  /// The rules of a service that was started with `start` and has `current` in force since its last reload.
  ///
  /// Of the sections that take effect at a start only, those of `start` are in force.
  static func inForce(
    _ current: ServiceConfiguration, _ parts: ServiceParts, startedWith start: ServiceConfiguration
  ) -> RulesInForce {
    var lines = RuleLines()
    lines.addHost(start)
    lines.addLimits(start)
    lines.addAccess(current.administration)
    lines.addFiles(current, parts)
    for merchant in current.merchants { lines.add(merchant, parts) }
    for acquirer in current.acquirers { lines.add(acquirer, current.push[acquirer.name], parts) }
    for connection in AcquirerRoutes.connections(of: parts.definitions) { lines.add(connection) }
    return RulesInForce(configuration: current.digest, rules: lines.rules)
  }

  private mutating func add(_ text: String, merchant: String? = nil, acquirer: String? = nil) {
    rules.insert(Rule(text, merchant: merchant, acquirer: acquirer))
  }

  // MARK: - What takes effect at a start

  private mutating func addHost(_ start: ServiceConfiguration) {
    add("development \(start.development)")
    add("listen \(start.listen.host) \(start.listen.port)")
    add("store map_size=\(start.store.mapSizeBytes) path=\(start.store.path)")
    let journal = start.store.journalBytes.map { "\($0)" }
    add("store journal=\(journal ?? "standard")")
    switch start.keys {
    case .directory(let path): add("keys source=file path=\(path)")
    case .credentials: add("keys source=credential")
    case .custodians(let minutes, let formerPath):
      var line = "keys source=custodians share_minutes=\(minutes)"
      if let formerPath { line += " former_path=\(formerPath)" }
      add(line)
    }
    for role in KeyRole.allCases {
      add("cryptoperiod \(role.name) \(start.keyRules.cryptoperiods[role])s")
    }
    add("cryptoperiod warn_before \(start.keyRules.warningSeconds)s")
    add("most_seals \(start.keyRules.sealBound)")
    add("audit checkpoint_file \(start.audit.checkpointPath ?? "none")")
    add("audit checkpoint_seconds \(start.audit.checkpointSeconds)")
    add("audit keep_at_hand \(start.audit.keepAtHandSeconds)s")
    let stream = start.audit.stream.map { "\($0.rawValue) socket=\(start.audit.streamPath)" }
    add("audit stream \(stream ?? "none")")
    add("administration socket \(start.administration.socketPath)")
    add("administration socket_group \(start.administration.socketGroup ?? "none")")
  }

  private mutating func addLimits(_ start: ServiceConfiguration) {
    for entry in Limits.entries { add("limit \(entry.name) \(entry.value(in: start.limits))") }
  }

  // MARK: - What a reload changes

  private mutating func addAccess(_ settings: AdministrationSettings) {
    for role in settings.roles {
      for member in role.members { add("role \(role.name) \(member.entryText)") }
    }
    for (command, persons) in settings.approvals { add("approvals \(command) \(persons)") }
    add("tickets \(settings.ticketsRequired ? "required" : "optional")")
  }

  private mutating func addFiles(_ current: ServiceConfiguration, _ parts: ServiceParts) {
    func content(_ path: String?) -> String {
      guard let path else { return "built-in" }
      let digest = current.digests[path] ?? .zero
      return "sha256=\(digest.hex)"
    }
    add("brands \(content(current.brandsPath))")
    add("alarms \(content(current.alarmsPath))")
    let notice = current.alarmNotice.map { "url=\($0.url) ca=\($0.caPath)" }
    add("alarms notify \(notice ?? "nobody")")
    let clock = current.clock.synchronizedPath ?? "none"
    add("clock synchronized=\(clock) within=\(current.clock.withinSeconds)s")
    add("keys distinct_accounts \(current.distinctAccounts)")
    let shown = parts.serverCertificate?.fingerprint ?? .zero
    add("certificate sha256=\(shown.hex)")
  }

  private mutating func add(_ merchant: Merchant, _ parts: ServiceParts) {
    let name = merchant.name
    add(
      "merchant \(name) number=\(merchant.number) operations=\(Self.words(merchant.operations)) "
        + "deduplicate=\(merchant.deduplicate) bin_digits=\(merchant.binDigits)", merchant: name)
    for figure in Self.figures(merchant.quotas) { add("quota \(name) \(figure)", merchant: name) }
    for client in merchant.clients {
      var line = "client \(name) \(client.id)"
      if let operations = client.operations { line += " operations=\(Self.words(operations))" }
      for figure in Self.figures(client.quotas) { line += " \(figure)" }
      add(line, merchant: name)
    }
    for line in Self.authorities(merchant.authority, parts) {
      add("\(line.word) merchant \(name) \(line.what)", merchant: name)
    }
    for (acquirer, settings) in merchant.acquirers {
      var authorization = "none"
      if settings.basic != nil { authorization = "basic" }
      if settings.bearerFile != nil { authorization = "bearer" }
      add(
        "merchant-acquirer \(name) \(acquirer) authorization=\(authorization) "
          + "constants=\(Self.digest(of: settings))", merchant: name, acquirer: acquirer)
    }
  }

  private mutating func add(
    _ acquirer: Acquirer, _ push: PushSettings?, _ parts: ServiceParts
  ) {
    let name = acquirer.name
    let currencies = acquirer.currencies.sorted().joined(separator: ",")
    let mayRead = acquirer.pull != nil
    var line = "acquirer \(name) pull=\(mayRead) push=\(acquirer.push)"
    if !currencies.isEmpty { line += " currencies=\(currencies)" }
    add(line, acquirer: name)
    if let push {
      let digest = parts.digests[push.templatePath] ?? .zero
      add("template \(name) sha256=\(digest.hex)", acquirer: name)
    }
    guard let pull = acquirer.pull else { return }
    for client in pull.clients { add("acquirer-client \(name) \(client)", acquirer: name) }
    for figure in Self.figures(pull.quotas) {
      add("acquirer-quota \(name) \(figure)", acquirer: name)
    }
    for line in Self.authorities(pull.authority, parts) {
      add("\(line.word) acquirer \(name) \(line.what)", acquirer: name)
    }
  }

  private mutating func add(_ connection: AcquirerTLS) {
    let name = connection.acquirer
    add(
      "address \(name) server_name=\(connection.serverName) url=\(connection.url)", acquirer: name)
    for line in Self.certificates(connection.authorities.map { Digest256.sha256($0.rawSpan) }) {
      add("acquirer-authority \(name) \(line)", acquirer: name)
    }
    if let shown = connection.chain.first {
      add(
        "acquirer-certificate \(name) sha256=\(Digest256.sha256(shown.rawSpan).hex)",
        acquirer: name)
    }
  }

  // MARK: - Parts of lines

  private static func words(_ operations: Set<Operation>) -> String {
    Operation.allCases.filter { operations.contains($0) }.map(\.rawValue).joined(separator: ",")
  }

  /// `tokenize_per_minute=120` for each operation that has a figure of its own.
  private static func figures(_ quotas: Quotas) -> [String] {
    [
      (Operation.tokenize, quotas.tokenizePerMinute),
      (.detokenize, quotas.detokenizePerMinute), (.delete, quotas.deletePerMinute),
    ].compactMap { operation, figure in
      figure.map { "\(operation.rawValue)_per_minute=\($0)" }
    }
  }

  /// The certificates and files of lists of a reference. Of lists, which are new every day, it says only
  /// which are named.
  private static func authorities(
    _ reference: AuthorityReference, _ parts: ServiceParts
  ) -> [(word: String, what: String)] {
    let anchors = parts.authorities.anchors(of: reference)
    var lines: [(word: String, what: String)] = []
    for line in certificates(anchors.map(\.fingerprint)) { lines.append(("authority", line)) }
    for path in reference.revocationListPaths { lines.append(("revocation-list", "path=\(path)")) }
    return lines
  }

  /// The most certificates of one file or more that have a line each.
  private static let mostCertificates = 16

  /// `sha256=HEX` for each certificate; where there are very many, their number and a digest over all.
  private static func certificates(_ fingerprints: [Digest256]) -> [String] {
    let all = Set(fingerprints).sorted()
    guard all.count > mostCertificates else { return all.map { "sha256=\($0.hex)" } }
    let bytes = all.flatMap(\.bytes)
    let digest = Digest256.sha256(bytes.rawSpan)
    return ["count=\(all.count) digest=\(digest.hex)"]
  }

  /// A digest over a merchant's constants and the name that it goes by at the acquirer.
  private static func digest(of settings: MerchantAcquirer) -> String {
    var text: [String] = []
    for (name, value) in settings.constants.sorted(by: { $0.key < $1.key }) {
      text += [name, value]
    }
    if let basic = settings.basic { text += ["", basic.user] }
    var bytes: [UInt8] = []
    // With their lengths, so that no two settings come to the same bytes.
    for part in text {
      bytes += UInt32(truncatingIfNeeded: part.utf8.count).bigEndianBytes + part.utf8
    }
    return Digest256.sha256(bytes.rawSpan).hex
  }
}
