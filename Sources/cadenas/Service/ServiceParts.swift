import AccessPolicy
import AcquirerGateway
import Administration
import Cards
import ConfigurationReading
import Cryptography
import Tokenization
import VaultManagement
import VaultServer

/// What is made of the configuration alone, and made anew at each reload.
struct ServiceParts {
  let policy: Policy
  let brands: BrandTable
  let authorities: TrustedAuthorities
  let definitions: [AcquirerDefinition]
  let certificate: ServerCertificate
  let access: AccessList
  /// Whom alarms are told; nil for nobody.
  let webhook: WebhookTarget?
  /// The server's own certificate; nil where it cannot be read any more.
  let serverCertificate: CertificateDescription?
  /// The SHA-256 of each template, by its path.
  let digests: [String: Digest256]
  /// The files that templates name, and templates themselves.
  let templateFiles: Set<String>

  /// Loads authorities, revocation lists and templates.
  /// - Throws: `ConfigurationError` with everything that is wrong.
  init(_ configuration: ServiceConfiguration, generation: UInt64) throws(ConfigurationError) {
    policy = configuration.policy(generation: generation)
    brands = configuration.brands
    let diagnostics = Diagnostics()
    definitions = DefinitionLoader(diagnostics: diagnostics).load(
      push: configuration.push, merchants: configuration.merchants)
    Self.checkServerPair(configuration, diagnostics)
    webhook = configuration.alarmNotice.flatMap { WebhookTarget($0, diagnostics) }
    let authorities = AuthorityFiles(policy, diagnostics).trusted(configuration, diagnostics)
    guard let authorities, diagnostics.isEmpty else {
      throw ConfigurationError(diagnostics: diagnostics.all)
    }
    self.authorities = authorities
    digests = diagnostics.digests
    templateFiles = diagnostics.files
    serverCertificate = Self.certificate(in: configuration.tls.certificatePath)
    certificate = ServerCertificate(
      chainPath: configuration.tls.certificatePath,
      privateKeyPath: configuration.tls.privateKeyPath)
    access = AccessList(configuration.administration)
  }
}

extension ServiceParts {
  /// Reports what would keep the server from starting with its certificate and key, in words that the
  /// TLS library does not have.
  private static func checkServerPair(
    _ configuration: ServiceConfiguration, _ diagnostics: Diagnostics
  ) {
    let tls = configuration.tls
    guard
      let problem = PairFiles.problem(
        certificatePath: tls.certificatePath, privateKeyPath: tls.privateKeyPath)
    else { return }
    let isOfKey = problem.file == tls.privateKeyPath
    diagnostics.report(
      Diagnostic(
        file: configuration.file, line: isOfKey ? tls.privateKeyLine : tls.certificateLine,
        message: "\(problem.file) \(problem.message)", suggestion: problem.suggestion))
  }

  private static func certificate(in path: String) -> CertificateDescription? {
    guard let bytes = try? ConfigurationFiles.read(path, maximumBytes: PairFiles.mostBytes) else {
      return nil
    }
    return try? CertificateDescription.read(pem: bytes).first
  }

  /// The terms of this generation, whose ways to acquirers were made once.
  func terms(over routes: AcquirerRoutes) -> Terms {
    Terms(policy: policy, acquirers: routes, brands: brands)
  }
}

extension ChangePolicy {
  /// What a configuration asks of changes.
  init(_ settings: AdministrationSettings) {
    self.init(needsTicket: settings.ticketsRequired)
    for kind in ApprovalKind.allCases { persons[kind] = settings.approvals[kind.rawValue] }
  }
}

extension AccessList {
  init(_ settings: AdministrationSettings) {
    self.init(
      operators: settings.operators.map(Member.init), auditors: settings.auditors.map(Member.init),
      custodians: settings.custodians.map(Member.init),
      monitors: settings.monitors.map(Member.init))
  }
}

extension AccessList.Member {
  init(_ actor: AdministrationActor) {
    switch actor {
    case .user(let name): self = .user(name)
    case .group(let name): self = .group(name)
    }
  }
}
