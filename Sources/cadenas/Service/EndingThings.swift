import AccessPolicy
import AuditLog
import ConfigurationReading
import Cryptography
import JSON
import VaultCore

/// A certificate or a revocation list of the configuration in force, and when it ends.
struct EndingThing: Equatable {
  /// The last days of a long life, in seconds, in which somebody is told.
  private static let certificateSeconds: Int64 = 30 * 86_400
  private static let listSeconds: Int64 = 7 * 86_400

  let isList: Bool
  /// What it is for, in one word.
  let use: String
  let path: String
  /// Which one of its file; nil where that holds one.
  let name: String?
  /// First and last second of its life, since 1970.
  let life: ClosedRange<Int64>

  /// What is to be told of it; nil where it is far from its end: before the last third of its life, and
  /// before the last month of a certificate's, the last week of a list's.
  ///
  /// - Parameter now: Unix time, in seconds.
  func concern(atSeconds now: Int64) -> Concern? {
    let (lived, overflow) = life.upperBound.subtractingReportingOverflow(life.lowerBound)
    let third = overflow ? .max : lived / 3
    let bound = min(third, isList ? Self.listSeconds : Self.certificateSeconds)
    let (start, isBefore) = life.upperBound.subtractingReportingOverflow(bound)
    let isOver = now > life.upperBound
    guard isOver || isBefore || now >= start else { return nil }
    let time = RFC3339.string(
      unixMilliseconds: life.upperBound.multipliedReportingOverflow(by: 1_000).partialValue,
      precision: .seconds)
    return Concern(
      isList ? .revocationList : .certificate, isOver ? .ended : .endsSoon,
      of: name.map { "\(path) \($0)" } ?? path,
      reason: "end=\(time) use=\(use) file=\(path)" + (name.map { " name=\($0)" } ?? ""))
  }
}

extension EndingThing {
  /// The largest file of certificates that is read, in bytes.
  private static let mostBytes = 16 << 20

  /// Those of a configuration, as their files are now; one that cannot be read is left out, since a start
  /// and a reload say so.
  static func all(of configuration: ServiceConfiguration) -> [EndingThing] {
    var things: [EndingThing] = []
    func add(_ use: String, _ path: String) {
      guard !things.contains(where: { $0.path == path && $0.use == use }),
        let bytes = try? ConfigurationFiles.read(path, maximumBytes: mostBytes),
        let leaf = try? LeafCertificate(pem: bytes), leaf.notBefore <= leaf.notAfter
      else { return }
      things.append(
        EndingThing(
          isList: false, use: use, path: path, name: nil, life: leaf.notBefore...leaf.notAfter))
    }
    add("server", configuration.tls.certificatePath)
    for (_, settings) in configuration.push.sorted(by: { $0.key < $1.key }) {
      guard let tls = settings.tls else { continue }
      add("acquirer-authority", tls.caPath)
      if let path = tls.clientCertificate?.certificatePath { add("shown-to-acquirer", path) }
    }
    if let path = configuration.alarmNotice?.caPath { add("webhook-authority", path) }
    let files = AuthorityFiles(configuration.policy(generation: 0), Diagnostics())
    for (path, anchors) in files.anchors.sorted(by: { $0.key < $1.key }) {
      things += anchors.map {
        EndingThing(
          isList: false, use: "client-authority", path: path, name: $0.subject,
          life: $0.validity)
      }
    }
    for (path, lists) in files.lists.sorted(by: { $0.key < $1.key }) {
      things += lists.map {
        EndingThing(
          isList: true, use: "clients", path: path, name: $0.issuer,
          life: $0.lastUpdate...$0.nextUpdate)
      }
    }
    return things
  }
}
