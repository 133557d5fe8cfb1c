import AccessPolicy
import AcquirerGateway
import Administration
import AuditLog
import Configuration
import Glibc
import Logging
import NIOCore
import NIOPosix
import SecretMemory
import Storage
import Synchronization
import Vault
import VaultServer

/// The running service: every part, in the order in which it was started.
final class Service: Sendable {
  /// Slots for numbers and codes beyond two for each connection: what waits in the writer's queue.
  private static let spareSlots = 1_024

  let configuration: ServiceConfiguration
  let vault: Vault
  let store: Store
  let server: VaultServer
  let gateway: Gateway
  let logger: Logger
  let startedMilliseconds: Int64
  let administration: AdminServer
  let group: MultiThreadedEventLoopGroup
  let ticker: RepeatedTask
  let condition: ServiceCondition

  /// Runs the service until a signal ends it, and gives the exit status.
  static func run(configurationPath: String, logger: Logger) throws -> Int32 {
    let configuration = try ServiceConfiguration.load(path: configurationPath)
    let service = try Service(configuration, logger: logger)
    while true {
      switch Signals.next() {
      case .reload: service.reload(configurationPath)
      case .stop: return service.stop()
      }
    }
  }

  /// Starts every part. What fails on the way ends those that were started.
  private init(_ configuration: ServiceConfiguration, logger: Logger) throws {
    let parts = try ServiceParts(configuration, generation: 1)
    let condition = ServiceCondition()
    let limits = configuration.limits
    let store = try Store.open(
      at: configuration.store.path, mapSize: Int(configuration.store.mapSizeBytes))
    try KeyOpening.checkDevelopment(store, configuration)
    let keyring = try KeyOpening.keyring(of: store, configuration)
    let slots = try SecretPool(
      slots: 2 * limits.connections + Self.spareSlots, slotSize: 32)
    let group = MultiThreadedEventLoopGroup(numberOfThreads: System.coreCount)
    let gateway = Gateway(
      parts.definitions, group: group, limits: GatewayLimits(limits),
      nowMilliseconds: Clocks.unixMilliseconds)
    if store.indexWasLost {
      logger.notice("the fingerprint index is built anew from the records")
    }
    let vault = try Vault.open(
      store: store, keyring: keyring, slots: slots, transport: gateway, policy: parts.policy,
      clock: Clocks.vault,
      limits: WriterLimits(queue: limits.writerQueue, batch: limits.batch),
      refusalsStoredPerMinute: limits.refusalsStoredPerMinute,
      progress: { logger.info("records opened for the index", metadata: ["count": "\($0)"]) },
      onEnd: { error in
        logger.critical(
          "the disk failed: nothing is written any more", metadata: ["error": "\(error)"])
        condition.endWriting()
        Signals.requestStop()
      })
    self.configuration = configuration
    self.logger = logger
    self.store = store
    self.vault = vault
    self.gateway = gateway
    self.group = group
    self.condition = condition
    startedMilliseconds = Clocks.unixMilliseconds()
    var settings = VaultServer.Settings(
      host: configuration.listen.host, port: Int(configuration.listen.port),
      certificate: parts.certificate, brands: configuration.brands, pool: slots,
      unixSeconds: { Clocks.unixMilliseconds() / 1_000 })
    settings.limits = ServerLimits(limits)
    let settled = settings
    let server = try group.any().makeFutureWithTask {
      try await VaultServer(
        settled, service: vault, policy: parts.policy, authorities: parts.authorities,
        group: group, logger: logger)
    }.wait()
    self.server = server
    let status = ServiceStatusSource(
      configuration: configuration, vault: vault, server: server, gateway: gateway,
      condition: condition, startedMilliseconds: startedMilliseconds)
    administration = try AdminServer.start(
      path: configuration.administration.socketPath,
      socketGroup: configuration.administration.socketGroup, access: parts.access,
      operations: Operations(store: store, hooks: status.hooks(slots: slots)), on: group,
      logger: logger)
    ticker = group.any().scheduleRepeatedTask(
      initialDelay: .seconds(1), delay: .seconds(1)
    ) { _ in vault.tick() }
    try vault.record(
      AuditEntry(actor: AuditEntry.systemActor, operation: "serve", outcome: "started"))
    logger.info(
      "serving",
      metadata: ["listen": "\(configuration.listen.host):\(server.port)", "pid": "\(getpid())"])
  }
}
