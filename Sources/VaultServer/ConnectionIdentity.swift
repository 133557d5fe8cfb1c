import Cryptography
import NIOSSL

/// Who is at the other end of one connection, decided when the handshake completes, and again when
/// trust has another generation or the decision's time has passed.
struct ConnectionIdentity {
  private let leaf: LeafCertificate?
  private(set) var trust: TrustSnapshot
  private var decision: TrustSnapshot.Decision

  /// Decides for the certificate of a handshake, full or resumed.
  init(certificate: NIOSSLCertificate?, trust: TrustSnapshot, at unixSeconds: Int64) {
    leaf = Self.read(certificate)
    self.trust = trust
    decision = Self.decide(leaf, trust, at: unixSeconds)
  }

  /// The identity, as of the last decision.
  var identity: ClientIdentity { decision.identity }

  /// Whether the decision still holds.
  func isCurrent(generation: UInt64, at unixSeconds: Int64) -> Bool {
    trust.generation == generation && unixSeconds <= decision.validUntil
  }

  /// Decides again.
  mutating func decideAgain(trust: TrustSnapshot, at unixSeconds: Int64) {
    self.trust = trust
    decision = Self.decide(leaf, trust, at: unixSeconds)
  }

  private static func read(_ certificate: NIOSSLCertificate?) -> LeafCertificate? {
    guard let bytes = try? certificate?.toDERBytes() else { return nil }
    return try? LeafCertificate(der: unsafe bytes.span.bytes)
  }

  private static func decide(
    _ leaf: LeafCertificate?, _ trust: TrustSnapshot, at unixSeconds: Int64
  ) -> TrustSnapshot.Decision {
    guard let leaf else {
      return TrustSnapshot.Decision(identity: .rejected(.unreadable), validUntil: unixSeconds)
    }
    return trust.decide(leaf, at: unixSeconds)
  }
}
