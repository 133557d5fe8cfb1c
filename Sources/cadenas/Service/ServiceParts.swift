import AccessPolicy
import AcquirerGateway
import Administration
import Configuration
import Cryptography
import VaultServer

/// What is made of the configuration alone, and made anew at each reload.
struct ServiceParts {
  /// The largest certificate or revocation list that is read.
  private static let mostFileBytes = 16 << 20

  let policy: Policy
  let authorities: [AuthorityReference: ClientAuthority]
  let definitions: [AcquirerDefinition]
  let certificate: TLSCertificate
  let access: AccessList

  /// Loads authorities, revocation lists and templates.
  /// - Throws: ``CommandFailure`` that names everything that is wrong.
  init(_ configuration: ServiceConfiguration, generation: UInt64) throws(CommandFailure) {
    policy = configuration.policy(generation: generation)
    let diagnostics = Diagnostics()
    definitions = DefinitionLoader(diagnostics: diagnostics).load(
      push: configuration.push, merchants: configuration.merchants)
    var authorities: [AuthorityReference: ClientAuthority] = [:]
    for reference in policy.authorities {
      authorities[reference] = Self.authority(reference, diagnostics)
    }
    guard diagnostics.isEmpty else {
      throw CommandFailure(
        .invalid, diagnostics.all.map(\.description).joined(separator: "\n"))
    }
    self.authorities = authorities
    certificate = TLSCertificate(
      chainPath: configuration.tls.certificatePath,
      privateKeyPath: configuration.tls.privateKeyPath)
    access = AccessList(
      operators: configuration.administration.operators.map(AccessList.Member.init),
      auditors: configuration.administration.auditors.map(AccessList.Member.init))
  }

  private static func authority(
    _ reference: AuthorityReference, _ diagnostics: Diagnostics
  ) -> ClientAuthority? {
    do throws(ConfigurationFileProblem) {
      let certificate = try ConfigurationFiles.read(
        reference.certificatePath, maximumBytes: Self.mostFileBytes)
      var list: [UInt8]?
      if let path = reference.revocationListPath {
        list = try ConfigurationFiles.read(path, maximumBytes: Self.mostFileBytes)
      }
      return load(certificate, list, reference, diagnostics)
    } catch {
      diagnostics.report(
        Diagnostic(file: reference.certificatePath, line: nil, message: error.text))
      return nil
    }
  }

  private static func load(
    _ certificate: [UInt8], _ list: [UInt8]?, _ reference: AuthorityReference,
    _ diagnostics: Diagnostics
  ) -> ClientAuthority? {
    do throws(CertificateError) {
      return try ClientAuthority(certificatePEM: certificate, revocationListPEM: list)
    } catch {
      diagnostics.report(
        Diagnostic(
          file: reference.revocationListPath ?? reference.certificatePath, line: nil,
          message: "cannot be used as a client authority: \(error)"))
      return nil
    }
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
