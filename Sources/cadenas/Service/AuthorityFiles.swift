import AccessPolicy
import ConfigurationReading
import Cryptography
import VaultServer

/// What the files hold that a policy names as authorities of clients and as revocation lists, each
/// read once.
struct AuthorityFiles {
  /// The largest file of certificates that is read, in bytes.
  private static let mostCertificateBytes = 65_536
  /// The largest file of revocation lists that is read, in bytes.
  private static let mostListBytes = 16 << 20

  /// The authorities of each file, by its path.
  let anchors: [String: [AuthorityCertificate]]
  /// The revocation lists of each file, by its path.
  let lists: [String: [RevocationList]]
  private let references: Set<AuthorityReference>

  /// Reads every file, and reports each that cannot be used.
  init(_ policy: Policy, _ diagnostics: Diagnostics) {
    references = policy.authorities
    var anchors: [String: [AuthorityCertificate]] = [:]
    var lists: [String: [RevocationList]] = [:]
    for path in Set(references.flatMap(\.certificatePaths)).sorted() {
      anchors[path] = Self.read(
        path, Self.mostCertificateBytes, "a client authority", diagnostics
      ) {
        bytes throws(CertificateError) in try AuthorityCertificate.read(bytes)
      }
    }
    for path in Set(references.flatMap(\.revocationListPaths)).sorted() {
      lists[path] = Self.read(
        path, Self.mostListBytes, "a revocation list", diagnostics
      ) {
        bytes throws(CertificateError) in try RevocationList.read(bytes)
      }
    }
    self.anchors = anchors
    self.lists = lists
  }

  private static func read<Content>(
    _ path: String, _ mostBytes: Int, _ what: String, _ diagnostics: Diagnostics,
    _ parse: ([UInt8]) throws(CertificateError) -> Content
  ) -> Content? {
    let bytes: [UInt8]
    do throws(ConfigurationFileProblem) {
      bytes = try ConfigurationFiles.read(path, maximumBytes: mostBytes)
    } catch {
      diagnostics.report(Diagnostic(file: path, line: nil, message: error.text))
      return nil
    }
    do throws(CertificateError) {
      return try parse(bytes)
    } catch {
      diagnostics.report(unusable(path, as: what, error))
      return nil
    }
  }

  private static func unusable(
    _ path: String, as what: String, _ error: CertificateError
  ) -> Diagnostic {
    Diagnostic(
      file: path, line: nil, message: "cannot be used as \(what): \(error.reason)",
      suggestion: error.remedy)
  }

  /// Puts them together, and reports the lists that cannot be used beside these authorities, and an
  /// identity that two principals of `configuration` could have at once. Nil where a file cannot be
  /// used.
  func trusted(
    _ configuration: ServiceConfiguration, _ diagnostics: Diagnostics
  ) -> TrustedAuthorities? {
    guard anchors.count == Set(references.flatMap(\.certificatePaths)).count,
      lists.count == Set(references.flatMap(\.revocationListPaths)).count
    else { return nil }
    let ofReferences = Dictionary(
      uniqueKeysWithValues: references.map { reference in
        (reference, reference.certificatePaths.flatMap { anchors[$0] ?? [] })
      })
    do throws(UnusableRevocationLists) {
      let trusted = try TrustedAuthorities(anchors: ofReferences, lists: lists)
      reportOverlaps(configuration, trusted, diagnostics)
      return trusted
    } catch {
      for (list, reason) in error.lists {
        for (path, lists) in lists.sorted(by: { $0.key < $1.key })
        where lists.contains(where: { $0 === list }) {
          diagnostics.report(Self.unusable(path, as: "a revocation list", reason))
        }
      }
      return nil
    }
  }

  /// Where one authority stands above another, a client of the lower one is a client of the upper
  /// one too: an identity that both of their principals name would be two. So it would where copies of
  /// one certificate stand in several files.
  private func reportOverlaps(
    _ configuration: ServiceConfiguration, _ trusted: TrustedAuthorities,
    _ diagnostics: Diagnostics
  ) {
    let policy = configuration.policy(generation: 0)
    for (uri, lines) in configuration.identityLines.sorted(by: { $0.key < $1.key }) {
      let candidates = policy.principals(for: uri)
      for (index, one) in candidates.enumerated() {
        for other in candidates[..<index]
        where trusted.overlap(one.authority, other.authority) {
          diagnostics.report(
            Diagnostic(
              file: configuration.file, line: lines.max(),
              message: "\"\(uri)\" belongs to \(other.principal.text) and to "
                + "\(one.principal.text), and an authority of the one is one of the other, or "
                + "vouches for it")
          )
        }
      }
    }
  }
}

extension Principal {
  /// For messages.
  var text: String {
    switch self {
    case .merchant(let merchant): "merchant \"\(merchant.name)\""
    case .acquirer(let acquirer): "acquirer \"\(acquirer.name)\""
    }
  }
}

extension CertificateError {
  /// What is wrong with the file.
  fileprivate var reason: String {
    switch self {
    case .malformedCertificate: "something in it is no certificate that can be read"
    case .malformedRevocationList: "something in it is no revocation list that can be read"
    case .notAnAuthority: "it holds a certificate that is no authority of clients"
    case .weakKey: "a key or signature in it is too weak, or of a kind that is not taken"
    case .foreignRevocationList: "no authority of its issuer's name has signed it"
    case .largeRevocationList: "it is too long for a list of an authority that nothing names"
    case .partialRevocationList: "it is not for clients, or for a part of the reasons only"
    case .unsupportedExtension: "it has a critical extension that is not known, or a damaged one"
    case .malformedAlternativeName: "its alternative name cannot be read"
    case .library: "the library that reads it has failed, perhaps for want of memory"
    }
  }

  /// What would be right; nil where the reason says it.
  fileprivate var remedy: String? {
    switch self {
    case .malformedCertificate:
      "a file in PEM holds certificates and nothing else, one in DER a single certificate"
    case .malformedRevocationList:
      "a file in PEM holds revocation lists and nothing else, one in DER a single list"
    case .notAnAuthority:
      "it has to be an authority by basic constraints and key usage, and one of clients by its "
        + "extended key usage, if it has one"
    case .weakKey: "RSA from 2048 bits, P-256, P-384, P-521 or Ed25519, signed with SHA-256 or more"
    case .foreignRevocationList: "name the list of the authority that \"client_ca\" names"
    case .largeRevocationList:
      "a list of more than \(RevocationList.mostBytesOfOthers) bytes counts for an authority that "
        + "\"client_ca\" names: name this one's"
    case .partialRevocationList:
      "publish one whose issuing distribution point has at most a name, and onlyContainsUserCerts"
    case .unsupportedExtension, .malformedAlternativeName, .library: nil
    }
  }
}
