import AccessPolicy
import AcquirerGateway
import Administration
import Cards
import ConfigurationReading
import Tokenization
import VaultServer

/// What is made of the configuration alone, and made anew at each reload.
struct ServiceParts {
  let policy: Policy
  let brands: BrandTable
  let authorities: TrustedAuthorities
  let definitions: [AcquirerDefinition]
  let certificate: ServerCertificate
  let access: AccessList

  /// Loads authorities, revocation lists and templates.
  /// - Throws: `ConfigurationError` with everything that is wrong.
  init(_ configuration: ServiceConfiguration, generation: UInt64) throws(ConfigurationError) {
    policy = configuration.policy(generation: generation)
    brands = configuration.brands
    let diagnostics = Diagnostics()
    definitions = DefinitionLoader(diagnostics: diagnostics).load(
      push: configuration.push, merchants: configuration.merchants)
    Self.checkServerPair(configuration, diagnostics)
    let authorities = AuthorityFiles(policy, diagnostics).trusted(configuration, diagnostics)
    guard let authorities, diagnostics.isEmpty else {
      throw ConfigurationError(diagnostics: diagnostics.all)
    }
    self.authorities = authorities
    certificate = ServerCertificate(
      chainPath: configuration.tls.certificatePath,
      privateKeyPath: configuration.tls.privateKeyPath)
    access = AccessList(
      operators: configuration.administration.operators.map(AccessList.Member.init),
      auditors: configuration.administration.auditors.map(AccessList.Member.init))
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

  /// The terms of this generation, whose ways to acquirers were made once.
  func terms(over routes: AcquirerRoutes) -> Terms {
    Terms(policy: policy, acquirers: routes, brands: brands)
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
