import AccessPolicy
import AcquirerGateway
import Administration
import AuditLog
import ConfigurationReading
import Keyring
import Ledgers
import Logging
import NIOCore
import NIOPosix
import SecretMemory
import Storage
import SystemCalls
import Tokenization
import VaultCore
import VaultManagement
import VaultServer

/// What lies below the sockets: store, keys, event loops, the way to acquirers, and the vault.
struct ServiceBase {
  let configuration: ServiceConfiguration
  let logger: Logger
  let condition: ServiceCondition
  let store: Store
  let slots: SecretPool
  let group: MultiThreadedEventLoopGroup
  let gateway: Gateway
  let routes: AcquirerRoutes
  let tokenizer: Tokenizer
  let manager: VaultManager
  /// The last transaction of the store as it was found.
  private let transactionFound: Int
  /// Tells the webhook of alarms, where there is one.
  let notifier: AlarmNotifier
  /// Sends entries on as they are written, where that is wanted.
  let stream: EntryStream?
  /// Whether the checkpoint's file was not there.
  let lacksCheckpointFile: Bool
  var vault: Vault { manager.vault }

  /// Opens everything. From here on requests could be answered, and nobody can ask yet.
  init(_ configuration: ServiceConfiguration, parts: ServiceParts, logger: Logger) throws {
    self.configuration = configuration
    self.logger = logger
    let limits = configuration.limits
    store = try Store.open(of: configuration)
    transactionFound = try store.statistics().lastTransaction
    try DevelopmentMark.check(store, configuration)
    lacksCheckpointFile = try configuration.audit.check(store, logger)
    let source = configuration.keys.source
    let keyring = try KeyringStore.openAtStart(of: store, source: source)
    slots = try SecretPool(slots: limits.secretSlots, slotSize: Limits.secretSlotBytes)
    group = MultiThreadedEventLoopGroup(numberOfThreads: System.coreCount)
    gateway = Gateway(
      group: group, limits: GatewayLimits(limits), nowMilliseconds: SystemClock.unixMilliseconds)
    routes = AcquirerRoutes(parts.definitions, over: gateway)
    let condition = ServiceCondition(
      policy: ChangePolicy(configuration.administration), routes: routes,
      grants: AccessGrants(configuration), digest: configuration.digest)
    self.condition = condition
    if store.indexWasLost, try store.read({ try $0.count(of: .cards) }) > 0 {
      logger.notice("the fingerprint index is built anew from the records")
    }
    let notifier = AlarmNotifier(
      parts.webhook, log: VerifierKey.name(ofStore: store.storeIdentifier.bytes), on: group,
      logger: logger)
    self.notifier = notifier
    let stream = try configuration.audit.stream.map {
      try EntryStream($0, to: configuration.audit.streamPath, logger: logger)
    }
    self.stream = stream
    let settings = Self.settings(of: configuration, slots, group, notifier, stream, logger)
    let vault = try Vault(store, settings, clock: .machine) { error in
      logger.critical(
        "nothing is written any more", metadata: ["reason": .whole(error.explanation)])
      if error.tellsOfDamage, let path = DamageMark.obstacle(in: configuration.store.path) {
        let reason =
          "\(path) is somebody's own and was not replaced: move it elsewhere, and run "
          + "cadenas store verify before the service starts again, which would not look for the damage"
        logger.error("no mark of the damage is left", metadata: ["reason": .whole(reason)])
      }
      condition.endWriting(because: error.explanation)
      Signals.requestStop()
    }
    if let lack = store.journalLack {
      logger.warning(
        "there is no journal: every batch waits for a commit of cards.mdb",
        metadata: ["reason": .whole(lack.explanation)])
    }
    let tokenizer = Tokenizer(vault, under: parts.terms(over: routes))
    self.tokenizer = tokenizer
    manager = VaultManager(
      vault, shareMinutes: configuration.keys.shareMinutes,
      distinctAccounts: configuration.distinctAccounts, policy: { tokenizer.policy },
      eraseKeyEncryptionKey: { key, keyring throws(KeyringError) in
        try source.destroy(key, of: keyring)
      })
    guard let keyring else {
      logger.notice("sealed: waiting for the custodians' shares (cadenas unseal)")
      return
    }
    do {
      try manager.unseal(with: keyring, actor: nil) {
        logger.info("records opened for the index", metadata: ["count": "\($0)"])
      }
    } catch {
      vault.close()
      throw error
    }
  }

  private static func settings(
    of configuration: ServiceConfiguration, _ slots: SecretPool,
    _ group: MultiThreadedEventLoopGroup, _ notifier: AlarmNotifier, _ stream: EntryStream?,
    _ logger: Logger
  ) -> Vault.Settings {
    let limits = configuration.limits
    var writer = WriterLimits(queue: limits.writerQueue, batch: limits.batch)
    writer.journal.bytes = configuration.store.journalBytes.map { Int($0) }
    var settings = Vault.Settings(
      slots: slots, limits: writer,
      refusalsStoredPerMinute: limits.refusalsStoredPerMinute)
    settings.rules = configuration.keyRules
    settings.digitLimits = DigitLimits(
      perHour: limits.sameDigitsPerHour, mostPairs: limits.sameDigitsPairs)
    settings.explain = { error in
      let reason = CommandFailure(error).message
      logger.error("work on keys is not done", metadata: ["reason": .whole(reason)])
      return reason
    }
    settings.tellOfRoom = { logger.tell($0) }
    if let stream { settings.tellOfEntry = { stream.add($0, $1) } }
    // Not by the writer, whose answers would be later by the time that the log takes.
    settings.alarms = AlarmWatch(rules: configuration.alarms) { raised in
      group.any().execute {
        logger.warning(raised)
        notifier.add(raised)
      }
    }
    return settings
  }

  /// Notes that the service starts and as what, that a file is missing, and what happened to the store while no
  /// service had it: before anybody can ask for anything, so that it is the first of this start.
  func recordStart() throws {
    try vault.record(
      AuditEntry(
        actor: .system, operation: .serve, outcome: .started, reason: condition.build.words))
    if lacksCheckpointFile, let path = configuration.audit.checkpointPath {
      try vault.record(
        AuditEntry(
          actor: .system, operation: .checkpoint, outcome: .missing, reason: "file=\(path)"))
    }
    let notes = OfflineNotes(of: configuration.store.path)
    for entry in notes.entries(foundAt: transactionFound) { try vault.record(entry) }
    notes.remove()
  }

  func startServer(_ parts: ServiceParts) throws -> VaultServer {
    var settings = VaultServer.Settings(
      host: configuration.listen.host, port: Int(configuration.listen.port),
      certificate: parts.certificate, pool: slots,
      unixSeconds: { SystemClock.unixMilliseconds() / 1_000 })
    settings.limits = ServerLimits(configuration.limits)
    let settled = settings
    return try group.any().makeFutureWithTask { [tokenizer, routes, group, logger] in
      try await VaultServer(
        settled, service: tokenizer, terms: parts.terms(over: routes),
        authorities: parts.authorities, group: group, logger: logger)
    }.wait()
  }

  /// Ends what was started, when a later part could not be: whoever has connected meanwhile is
  /// answered first.
  func abandon(_ server: VaultServer) {
    let limit = TimeAmount.seconds(Int64(configuration.limits.drainSeconds))
    _ = try? group.any().makeFutureWithTask { await server.stop(within: limit) }.wait()
    vault.close()
  }
}
