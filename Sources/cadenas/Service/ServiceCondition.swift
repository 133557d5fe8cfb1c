import AcquirerGateway
import Administration
import Cryptography
import Synchronization
import VaultManagement

/// How the service is, where its parts do not know it themselves.
final class ServiceCondition: Sendable {
  private let draining = Atomic(false)
  private let endOfWriting = Mutex<String?>(nil)
  private let asked: Mutex<ChangePolicy>
  private let ways: Mutex<AcquirerRoutes>
  private let granted: Mutex<AccessGrants>
  private let read: Mutex<Digest256>

  /// - Parameters:
  ///   - policy: what is asked of changes.
  ///   - routes: the acquirers.
  ///   - grants: who may do what.
  ///   - digest: that of the configuration file.
  init(
    policy: ChangePolicy, routes: AcquirerRoutes, grants: AccessGrants, digest: Digest256
  ) {
    asked = Mutex(policy)
    read = Mutex(digest)
    ways = Mutex(routes)
    granted = Mutex(grants)
  }

  /// Whether the service is stopping.
  var isDraining: Bool { draining.load(ordering: .relaxed) }
  /// Why nothing is written any more; nil while something is.
  var causeOfEnd: String? { endOfWriting.withLock { $0 } }
  /// Whether nothing is written any more.
  var hasWritingEnded: Bool { causeOfEnd != nil }
  /// The acquirers of the configuration in force.
  var routes: AcquirerRoutes { ways.withLock { $0 } }
  /// What runs.
  var build: ServiceStatus.Build {
    var build = ServiceStatus.Build()
    build.commit = Version.commit
    build.programSHA256 = ProgramFile.sha256
    build.configurationSHA256 = read.withLock { $0 }.hex
    return build
  }
  /// What the configuration in force asks of changes.
  var policy: ChangePolicy { asked.withLock { $0 } }
  /// Who may do what in the configuration in force.
  var grants: AccessGrants { granted.withLock { $0 } }

  func beginDraining() { draining.store(true, ordering: .relaxed) }
  func endWriting(because cause: String) { endOfWriting.withLock { $0 = cause } }
  /// Puts a configuration in force.
  func put(
    policy: ChangePolicy, routes: AcquirerRoutes, grants: AccessGrants, digest: Digest256
  ) {
    read.withLock { $0 = digest }
    asked.withLock { $0 = policy }
    ways.withLock { $0 = routes }
    granted.withLock { $0 = grants }
  }
}
