import AccessPolicy
import Bytes
import Cryptography
import NIOSSL
import Tokenization
import VaultCore

/// Who is at the other end of one connection, decided when its certificates have come, and again
/// when trust has another generation or the decision's time has passed. Confined to the connection's
/// event loop.
final class ConnectionIdentity {
  private let chain: ClientChain?
  private(set) var trust: TrustSnapshot
  private var decision: TrustSnapshot.Decision

  /// Decides for the certificates of a client; nil stands for such as cannot be read.
  ///
  /// A client for whom no authority vouches is not let in. One for whom none vouches any more after a
  /// reload is nobody, and keeps its connection, as the clients of a merchant do that was taken out.
  init(chain: ClientChain?, trust: TrustSnapshot, at unixSeconds: Int64) {
    self.chain = chain
    self.trust = trust
    decision = Self.decide(chain, nil, trust, at: unixSeconds)
    if chain != nil, decision.paths.isEmpty {
      decision = .init(identity: .rejected(.noAuthority), validUntil: unixSeconds)
    }
  }

  /// The identity, as of the last decision.
  var identity: ClientIdentity { decision.identity }

  /// The paths from the certificate to authorities, as of the last decision.
  var paths: [CertificatePath] { decision.paths }

  /// Who asks, as the vault is told; nil for a client that no policy knows.
  ///
  /// - Parameter origin: where the connection comes from.
  func caller(_ requestIdentifier: String, from origin: String?) -> Caller? {
    guard case .client(let actor, let principal) = identity else { return nil }
    return Caller(
      actor: actor, origin: origin, principal: principal, requestIdentifier: requestIdentifier,
      terms: trust.terms)
  }

  /// What the certificate of a client that is not served says of it; nil for one that is served.
  func stranger(from origin: String?, in network: String) -> Stranger? {
    let reason: String
    switch identity {
    case .client: return nil
    case .unknown: reason = "unknownClient"
    case .rejected(let rejection): reason = rejection.rawValue
    }
    let leaf = chain?.leaf
    let identities = leaf?.spiffeURIs ?? []
    return Stranger(
      origin: origin, network: network, reason: reason, isVouchedFor: !paths.isEmpty,
      serial: leaf?.serial, subject: identities.count == 1 ? identities[0] : leaf?.subject)
  }

  /// Whether the decision still holds.
  func isCurrent(generation: UInt64, at unixSeconds: Int64) -> Bool {
    trust.generation == generation && unixSeconds <= decision.validUntil
  }

  /// Decides again. What signatures said stays true: where the authorities are the same, as after most
  /// reloads, no signature of the chain is checked again.
  func decideAgain(trust: TrustSnapshot, at unixSeconds: Int64) {
    let paths = trust.authorities.all.hasAnchors(of: self.trust.authorities.all)
    self.trust = trust
    decision = Self.decide(chain, paths ? decision.paths : nil, trust, at: unixSeconds)
  }

  /// - Parameter paths: the paths of the chain where they are known.
  private static func decide(
    _ chain: ClientChain?, _ paths: [CertificatePath]?, _ trust: TrustSnapshot,
    at unixSeconds: Int64
  ) -> TrustSnapshot.Decision {
    guard let chain else {
      return TrustSnapshot.Decision(identity: .rejected(.unreadable), validUntil: unixSeconds)
    }
    let paths = paths ?? trust.authorities.all.paths(of: chain)
    return trust.decide(chain.leaf, paths, at: unixSeconds)
  }
}

extension ClientChain {
  /// The chain that a client sent in a full handshake; nil where there are too many certificates,
  /// or its own cannot be read or is too large. Others that cannot be read, are no authorities, or
  /// would take too long to check, are left out.
  convenience init?(_ certificates: [NIOSSLCertificate]) {
    guard (1...Self.mostCertificates).contains(certificates.count),
      let leaf = LeafCertificate(certificates.first), leaf.isModest
    else { return nil }
    self.init(
      leaf: leaf,
      intermediates: certificates.dropFirst().compactMap {
        guard let der = try? $0.toDERBytes(), let one = try? AuthorityCertificate(der: der)
        else { return nil }
        return one.isModest ? one : nil
      })
  }
}

extension LeafCertificate {
  /// Reads what the TLS library holds.
  convenience init?(_ certificate: NIOSSLCertificate?) {
    guard let bytes = try? certificate?.toDERBytes() else { return nil }
    try? self.init(der: bytes.rawSpan)
  }
}

extension Caller {
  /// The identity as which it asks.
  var identity: ClientIdentity { .client(actor: actor, principal) }
}
