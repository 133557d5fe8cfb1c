package import Cryptography

/// What a connection to an acquirer showed that was opened to be looked at.
package struct AcquirerSighting: Sendable {
  /// Why the connection could not serve a message.
  package enum Problem: Sendable, Equatable {
    /// Nobody listens, or the name has no address; with what the system said.
    case unreachable(String?)
    /// Connection and handshake were not complete in time.
    case timeout
    /// The chain does not lead to the authority that is believed.
    case untrusted
    /// A certificate of the chain is not valid at this time.
    case notCurrent(subject: String)
    /// The certificate does not carry the pinned name.
    case otherName
    /// The acquirer broke the handshake off before it had shown a certificate.
    case handshake
    /// The acquirer ended the connection after the handshake, as it does where it does not take the
    /// vault's certificate.
    case closed
  }

  /// The address that was tried.
  package var url: String
  /// The name that the certificate has to carry.
  package var serverName: String
  /// `TLSv1.2` or `TLSv1.3`; nil where the handshake was not complete.
  package var version: String?
  /// The suite's IANA name; nil where none was chosen.
  package var suite: String?
  /// What the acquirer showed, its own certificate first.
  package var chain: [ShownCertificate] = []
  /// Whether its own certificate carries the pinned name; nil where it showed none.
  package var isNamed: Bool?
  /// From the beginning to the end of the handshake, or to its failure.
  package var milliseconds: Int64 = 0
  /// Nil where a message could have been sent.
  package var problem: Problem?
}

/// A certificate of a chain that was shown.
package struct ShownCertificate: Sendable {
  /// What it says of itself.
  package let description: CertificateDescription
  /// The DNS names that it carries.
  package let dnsNames: [String]
}

extension AcquirerSighting.Problem {
  /// A sentence that helps, about the acquirer `name`.
  package func remedy(of name: String, at url: String, named serverName: String) -> String {
    let place = "acquirers.\(name).push"
    return switch self {
    case .unreachable(let words):
      "nobody answers at \(url)\(words.map { " (\($0))" } ?? ""): compare \(place).url with what the "
        + "acquirer says, and ask whether a firewall lets this host out"
    case .timeout:
      "\(url) did not complete a handshake in time: a firewall may drop what this host sends, or the "
        + "acquirer hangs; limits.acquirer_connect_seconds bounds the wait"
    case .untrusted:
      "what the acquirer shows does not lead to the authority in \(place).tls.ca: ask the acquirer "
        + "whether it has changed its authority, and put the new one into that file beside the old one"
    case .notCurrent(let subject):
      "the certificate of \(subject) is not valid at this host's time: compare the clock, and tell "
        + "the acquirer"
    case .otherName:
      "the certificate does not carry \(serverName): compare \(place).tls.server_name with the names "
        + "that it carries; an address does not count"
    case .handshake:
      "the acquirer broke the handshake off before it had shown a certificate: it may take no "
        + "TLS 1.2 with forward secrecy and no TLS 1.3, or want another host name (\(place).url)"
    case .closed:
      "the acquirer ended the connection after the handshake: it may not take the vault's certificate "
        + "(\(place).tls.certificate); ask the acquirer whether it knows it"
    }
  }
}
