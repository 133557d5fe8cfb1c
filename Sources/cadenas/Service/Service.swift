import AcquirerGateway
import Administration
import AuditLog
import ConfigurationReading
import Glibc
import Logging
import NIOCore
import NIOPosix
import ServiceLog
import Synchronization
import SystemCalls
import Tokenization
import VaultCore
import VaultManagement
import VaultServer

/// The running service: every part, in the order in which it was started.
final class Service: Sendable {
  let configuration: ServiceConfiguration
  let logger: Logger
  let condition: ServiceCondition
  let gateway: Gateway
  let manager: VaultManager
  let tokenizer: Tokenizer
  var vault: Vault { manager.vault }
  let server: VaultServer
  let administration: AdminServer
  let group: MultiThreadedEventLoopGroup
  let ticker: RepeatedTask
  let publisher: CheckpointPublisher
  let notifier: AlarmNotifier
  let stream: EntryStream?
  let concerns: ConcernSource
  /// What the store knows to be in force.
  let rules: Mutex<RulesInForce>

  /// Runs the service until a signal ends it, and gives the exit status.
  static func run(
    configurationPath: String, log: LogQueue, logger: Logger
  ) throws -> Int32 {
    let configuration = try ServiceConfiguration.load(path: configurationPath)
    try StartRoom.check(mapBytes: configuration.store.mapSizeBytes)
    // What is usual at first is little, for the sake of programs that cannot count far.
    ResourceLimit.openFiles.raise()
    // While the store is opened.
    NIOThreadPool.singleton.submit { _ in _ = ProgramFile.sha256 }
    let service = try Service(configuration, log: log, logger: logger)
    while true {
      switch Signals.next() {
      case .reload: service.reload(configurationPath)
      case .stop: return service.stop()
      }
    }
  }

  private init(_ configuration: ServiceConfiguration, log: LogQueue, logger: Logger) throws {
    let parts = try ServiceParts(configuration, generation: 1)
    logger.tellCautions(about: configuration, parts)
    let base = try ServiceBase(configuration, parts: parts, logger: logger)
    let manager = base.manager
    try base.recordStart()
    let rules = RuleLines.inForce(configuration, parts, startedWith: configuration)
    try manager.note(rules)
    self.rules = Mutex(rules)
    try manager.raiseApprovals(to: base.condition.policy.persons)
    Signals.startIsOver()
    let server = try base.startServer(parts)
    let status = ServiceStatusSource(
      configuration: configuration, manager: manager, tokenizer: base.tokenizer, server: server,
      gateway: base.gateway, condition: base.condition, log: log, notifier: base.notifier,
      stream: base.stream,
      startedMilliseconds: SystemClock.unixMilliseconds())
    do {
      administration = try AdminServer.start(
        path: configuration.administration.socketPath,
        socketGroup: configuration.administration.socketGroup, access: parts.access,
        operations: Operations(store: base.store, hooks: status.hooks(slots: base.slots)),
        on: base.group, logger: logger)
    } catch {
      base.abandon(server)
      throw error
    }
    self.configuration = configuration
    self.logger = logger
    self.manager = manager
    tokenizer = base.tokenizer
    self.server = server
    condition = base.condition
    gateway = base.gateway
    gateway.putInForce(base.routes)
    group = base.group
    let publisher = CheckpointPublisher(configuration.audit, vault: manager.vault, logger: logger)
    self.publisher = publisher
    notifier = base.notifier
    stream = base.stream
    let concerns = ConcernSource(configuration, manager: manager, publisher: publisher)
    self.concerns = concerns
    let memory = MemoryReturn()
    let roomTick = BlockingTick()
    let indexLog = IndexLog(logger)
    ticker = group.any().scheduleRepeatedTask(
      initialDelay: .seconds(1), delay: .seconds(1)
    ) { _ in
      manager.tick()
      publisher.tick()
      memory.tick()
      roomTick.run {
        manager.lookAtRoom()
        concerns.tick()
      }
      indexLog.tick(manager.indexHistory)
      indexLog.tick(heldUpBy: manager.recordsThatHoldUpReplacement)
    }
    logger.info(
      "serving",
      metadata: ["listen": "\(configuration.listen.host):\(server.port)", "pid": "\(getpid())"])
  }
}

/// Something that is done about once a second and waits for the disk: not on an event loop, and not
/// again before it has ended.
private final class BlockingTick: Sendable {
  private let isRunning = Atomic(false)

  func run(_ body: @escaping @Sendable () -> Void) {
    guard !isRunning.exchange(true, ordering: .acquiring) else { return }
    NIOThreadPool.singleton.submit { [self] _ in
      body()
      isRunning.store(false, ordering: .releasing)
    }
  }
}
