import Bytes
import ConfigurationReading
import Cryptography
import NIOCore
import NIOSSL
import Synchronization

/// Which shop a client certificate is of: a SPIFFE identity under the shop's authority.
final class ShopIdentities: Sendable {
  private struct Shop {
    let name: String
    let clients: Set<String>
    let authorities: ClientAuthorities
  }

  private let shops: [Shop]
  private let unixSeconds: @Sendable () -> Int64
  /// The chains that clients have shown, by the digest of the leaf: a request sees the leaf alone.
  private let chains = Mutex<[Digest256: [[UInt8]]]>([:])
  private static let mostChains = 4_096

  /// Reads the authorities.
  init(
    _ merchants: [PageConfiguration.Merchant], unixSeconds: @Sendable @escaping () -> Int64
  ) throws {
    shops = try merchants.map { merchant in
      var anchors: [AuthorityCertificate] = []
      for path in merchant.clientAuthorityPaths {
        let bytes = try ConfigurationFiles.read(path, maximumBytes: 1 << 20)
        anchors += try AuthorityCertificate.read(bytes)
      }
      var lists: [RevocationList] = []
      for path in merchant.clientRevocationPaths {
        lists += try RevocationList.read(
          try ConfigurationFiles.read(path, maximumBytes: 64 << 20))
      }
      return Shop(
        name: merchant.name, clients: Set(merchant.clients),
        authorities: try ClientAuthorities(anchors: anchors, lists: lists))
    }
    self.unixSeconds = unixSeconds
  }

  /// Whether a handshake goes on: some shop's authority vouches for the client.
  func admit(_ certificates: [NIOSSLCertificate]) -> Bool {
    guard let chain = try? certificates.map({ try $0.toDERBytes() }), let leaf = chain.first,
      let parsed = Self.parse(chain),
      shops.contains(where: { isVouched(parsed, by: $0.authorities) })
    else { return false }
    let digest = Digest256.sha256(leaf.rawSpan)
    chains.withLock { chains in
      if chains.count >= Self.mostChains { chains.removeAll() }
      chains[digest] = chain
    }
    return true
  }

  /// The shop of a client, by what its certificate says now.
  func shop(of certificate: NIOSSLCertificate?) -> String? {
    guard let leaf = try? certificate?.toDERBytes() else { return nil }
    let chain = chains.withLock { $0[Digest256.sha256(leaf.rawSpan)] } ?? [leaf]
    guard let parsed = Self.parse(chain), parsed.leaf.otherURIs.isEmpty,
      let identity = parsed.leaf.spiffeURIs.first, parsed.leaf.spiffeURIs.count == 1
    else { return nil }
    return shops.first {
      $0.clients.contains(identity) && isVouched(parsed, by: $0.authorities)
    }?.name
  }

  private static func parse(_ chain: [[UInt8]]) -> ClientChain? {
    guard let first = chain.first, let leaf = try? LeafCertificate(der: first.rawSpan) else {
      return nil
    }
    let others = chain.dropFirst().prefix(ClientChain.mostCertificates - 1)
    return ClientChain(
      leaf: leaf, intermediates: others.compactMap { try? AuthorityCertificate(der: $0) })
  }

  private func isVouched(_ chain: ClientChain, by authorities: ClientAuthorities) -> Bool {
    let verdict = authorities.judge(
      chain.leaf, authorities.paths(of: chain), at: unixSeconds())
    if case .valid = verdict { return true }
    return false
  }
}
