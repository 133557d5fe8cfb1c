import AccessPolicy
import AcquirerGateway
import Administration
import Configuration
import Tokenization
import VaultServer

/// What is made of the configuration alone, and made anew at each reload.
struct ServiceParts {
  let policy: Policy
  let authorities: TrustedAuthorities
  let definitions: [AcquirerDefinition]
  let certificate: ServerCertificate
  let access: AccessList

  /// Loads authorities, revocation lists and templates.
  /// - Throws: ``CommandFailure`` that names everything that is wrong.
  init(_ configuration: ServiceConfiguration, generation: UInt64) throws(CommandFailure) {
    policy = configuration.policy(generation: generation)
    let diagnostics = Diagnostics()
    definitions = DefinitionLoader(diagnostics: diagnostics).load(
      push: configuration.push, merchants: configuration.merchants)
    let authorities = AuthorityFiles(policy, diagnostics).trusted(configuration, diagnostics)
    guard let authorities, diagnostics.isEmpty else {
      throw CommandFailure(
        .invalid, diagnostics.all.map(\.description).joined(separator: "\n"))
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
  /// The terms of this generation.
  func terms(over gateway: Gateway) -> Terms {
    Terms(policy: policy, acquirers: AcquirerRoutes(definitions, over: gateway))
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
