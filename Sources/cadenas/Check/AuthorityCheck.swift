import AccessPolicy
import ConfigurationReading
import Cryptography
import VaultServer

/// Looks at who vouches for clients, and at what takes it back.
struct AuthorityCheck {
  private let configuration: ServiceConfiguration
  private let policy: Policy
  private let files: AuthorityFiles
  private let trusted: TrustedAuthorities

  /// Nil where something is wrong with the files, which is reported as the service would report it.
  init?(_ configuration: ServiceConfiguration) {
    self.configuration = configuration
    policy = configuration.policy(generation: 0)
    let diagnostics = Diagnostics()
    files = AuthorityFiles(policy, diagnostics)
    guard let trusted = files.trusted(configuration, diagnostics) else { return nil }
    self.trusted = trusted
  }

  private var anchors: [(path: String, anchor: AuthorityCertificate)] {
    files.anchors.sorted { $0.key < $1.key }.flatMap { path, all in all.map { (path, $0) } }
  }

  private var lists: [(path: String, list: RevocationList)] {
    files.lists.sorted { $0.key < $1.key }.flatMap { path, all in all.map { (path, $0) } }
  }

  /// When authorities and revocation lists end, as `check` says it.
  func ends(_ check: EndCheck) -> [Finding] {
    anchors.map { path, anchor in
      check.finding(
        "the clients' authority", path, named: anchor.subject, anchor.validity.upperBound,
        warningSeconds: EndCheck.certificateWarningSeconds,
        remedy: "replace it, and send the service SIGHUP")
    }
      + lists.map { path, list in
        check.finding(
          "the revocation list", path, named: list.issuer, list.nextUpdate,
          warningSeconds: EndCheck.listWarningSeconds,
          remedy: "fetch the next one, and send the service SIGHUP: past its end, every client "
            + "of its authority is refused")
      }
  }

  /// What else deserves to be seen.
  func run() -> [Finding] {
    anchors.flatMap { findings(of: $0.anchor, in: $0.path) }
      + lists.flatMap { findings(of: $0.list, in: $0.path) } + shared
  }

  private func findings(of anchor: AuthorityCertificate, in path: String) -> [Finding] {
    var findings: [Finding] = []
    if trusted.all.isRevoked(anchor) {
      findings.append(
        Finding(
          .error, .certificates,
          "the clients' authority \(anchor.subject) (\(path)) is named by the revocation list of "
            + "the authority above it: all its clients are refused",
          remedy: "give its clients certificates of another authority"))
    }
    if trusted.all.lists(of: anchor).isEmpty {
      findings.append(
        Finding(
          .warning, .certificates,
          "no revocation list for \(anchor.subject) (\(path)): a stolen client key works until "
            + "its certificate ends",
          remedy: "name its list as \"client_crl\""))
    } else {
      findings += uneven(anchor, path)
    }
    return findings
  }

  /// Says where an authority is named with a list and where without one.
  private func uneven(_ anchor: AuthorityCertificate, _ path: String) -> [Finding] {
    var with: [String] = []
    var without: [String] = []
    for (principal, reference) in policy.principalsByAuthority
    where trusted.anchors(of: reference).contains(where: { $0.fingerprint == anchor.fingerprint }) {
      let names = reference.revocationListPaths.contains { path in
        trusted.lists[path, default: []].contains { list in
          trusted.all.lists(of: anchor).contains { $0 === list }
        }
      }
      if names { with.append(principal.text) } else { without.append(principal.text) }
    }
    guard !without.isEmpty, !with.isEmpty else { return [] }
    return [
      Finding(
        .warning, .certificates,
        "\(anchor.subject) (\(path)) is named with its revocation list by "
          + "\(with.joined(separator: ", ")), and without one by "
          + "\(without.joined(separator: ", ")): the list counts for all of them",
        remedy: "name the list as \"client_crl\" everywhere, so that it still counts when one of "
          + "them is removed")
    ]
  }

  private func findings(of list: RevocationList, in path: String) -> [Finding] {
    guard trusted.all.listsOfOthers.contains(where: { $0 === list }) else { return [] }
    return [
      Finding(
        .warning, .certificates,
        "the revocation list of \(list.issuer) (\(path)) is of no authority that is named as "
          + "\"client_ca\": its signature cannot be checked now, and it counts only for clients "
          + "of an intermediate authority of this name",
        remedy: "if it was meant for an authority of the configuration, name that one's list")
    ]
  }

  /// An authority that vouches for merchants and for an acquirer can make any of its clients that
  /// acquirer.
  private var shared: [Finding] {
    configuration.acquirers.compactMap { acquirer in
      guard let reference = acquirer.pull?.authority,
        let merchant = configuration.merchants.first(where: {
          trusted.share(reference, $0.authority)
        })
      else { return nil }
      return Finding(
        .warning, .certificates,
        "an authority of \(reference.certificatePaths.joined(separator: ", ")) vouches for the "
          + "merchant \"\(merchant.name)\" and for the acquirer \"\(acquirer.name)\": who runs it "
          + "can make a client that reads cards",
        remedy: "give the acquirer's clients an authority of their own")
    }
  }
}

extension Policy {
  /// Every principal with clients, and who vouches for them, ordered by name.
  fileprivate var principalsByAuthority: [(Principal, AuthorityReference)] {
    merchants.values.sorted { $0.name < $1.name }.map { (.merchant($0), $0.authority) }
      + acquirers.values.sorted { $0.name < $1.name }.compactMap { acquirer in
        acquirer.pull.map { (.acquirer(acquirer), $0.authority) }
      }
  }
}
