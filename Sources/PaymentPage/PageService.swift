import Bytes
import Cards
package import ConfigurationReading
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdCore
import HummingbirdTLS
package import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import PaymentStore
import Payments
import SecretMemory
import ServiceLifecycle
import Synchronization
import SystemCalls
import UnixSignals

/// The running page: every part, in the order in which it is started.
package struct PageService: Sendable {
  let configuration: PageConfiguration
  let engine: PaymentEngine
  let notifier: Notifier
  let identities: Reloadable<ShopIdentities>
  let brands: Reloadable<BrandTable>
  let publicPair: Reloadable<ListenerPair>
  let shopsPair: Reloadable<ListenerPair>
  let unixSeconds: @Sendable () -> Int64
  let identifiers: Identifiers
  let routes: ShopperRoutes
  let store: PaymentStore
  let logger: Logger

  /// Cards under way at a time, of which each takes some slots.
  private static let slots = 4_096

  /// Opens everything. Nobody can ask yet.
  package init(_ configuration: PageConfiguration, logger: Logger) throws {
    self.configuration = configuration
    self.logger = logger
    let group = MultiThreadedEventLoopGroup.singleton
    completeType(ByteToMessageHandler<HTTPRequestDecoder>.self)
    completeType(ByteToMessageHandler<HTTPResponseDecoder>.self)
    store = try PaymentStore(path: configuration.storePath)
    let figures = Figures()
    let now: @Sendable () -> Milliseconds = { Milliseconds(Date().timeIntervalSince1970 * 1_000) }
    engine = PaymentEngine(
      store: store, merchants: try Self.merchants(configuration, logger),
      publicURL: configuration.publicURL,
      paypal: try configuration.paypal.map { try PayPalClient($0, on: group) },
      guesses: try Guesses(configuration.bounds), figures: figures, logger: logger, now: now)
    notifier = Notifier(engine)
    unixSeconds = { now() / 1_000 }
    identities = Reloadable(try ShopIdentities(configuration.merchants, unixSeconds: unixSeconds))
    publicPair = Reloadable(try ListenerPair(configuration.public))
    shopsPair = Reloadable(try ListenerPair(configuration.shops))
    identifiers = try Identifiers()
    let brands = Reloadable(configuration.brands)
    self.brands = brands
    routes = ShopperRoutes(
      engine: engine, renderer: try PageRenderer(isTest: configuration.isTest),
      identifiers: identifiers,
      brands: { brands.value },
      slots: try SecretPool(slots: Self.slots, slotSize: SubmittedForm.slotBytes),
      headers: PageHeaders(frameAncestors: configuration.frameAncestors),
      trustedProxies: Set(configuration.trustedProxies.compactMap { PeerAddress($0) }),
      publicOrigin: configuration.publicURL)
  }

  static func merchants(
    _ configuration: PageConfiguration, _ logger: Logger
  ) throws -> [String: PageMerchant] {
    var merchants: [String: PageMerchant] = [:]
    do {
      for settings in configuration.merchants {
        merchants[settings.name] = try merchant(
          settings, configuration, MultiThreadedEventLoopGroup.singleton, logger)
      }
      return merchants
    } catch {
      let made = Array(merchants.values)
      Task { for merchant in made { await merchant.shutdown() } }
      throw error
    }
  }

  private static func merchant(
    _ settings: PageConfiguration.Merchant, _ configuration: PageConfiguration,
    _ group: any EventLoopGroup, _ logger: Logger
  ) throws -> PageMerchant {
    let vault = configuration.vault
    var signature: Signature?
    if let notify = settings.notify {
      signature = Signature(key: try SecretFile.read(notify.secretPath))
    }
    let client = try VaultClient(
      VaultClient.Place(
        host: vault.url.host, port: Int(vault.url.port), serverName: vault.serverName,
        authorityPath: vault.authorityPath, certificatePath: settings.vaultCertificatePath,
        privateKeyPath: settings.vaultPrivateKeyPath), on: group, logger: logger)
    return PageMerchant(
      settings: settings, vault: client, signature: signature,
      notifier: settings.notify.map { NotificationClient($0, on: group) },
      languages: settings.languages.compactMap { Language(rawValue: $0) })
  }

  /// Serves until a signal ends it; what was accepted is answered first.
  package func run() async throws {
    try await engine.recover()
    let shopper = Router(context: ShopperContext.self)
    shopper.add(middleware: HeadAnswers())
    shopper.add(middleware: ShopperFaults(routes: routes))
    routes.add(to: shopper)
    let shops = Router(context: ShopContext.self)
    shops.add(middleware: HeadAnswers())
    ShopRoutes(engine: engine, identifiers: identifiers, brands: brands).add(
      to: shops,
      ShopIdentification(identities: identities, engine: engine, identifiers: identifiers))
    let served = Served(logger: logger, names: ["public", "shops"])
    let shares = AddressShares(most: Self.mostConnections / 4, exempt: routes.trustedProxies)
    let page = Application(
      router: shopper,
      server: try .tls(
        .http1(
          configuration: .init(
            additionalChannelHandlers: [ConnectionShare(shares), ConnectionDeadline()],
            idleTimeout: .seconds(60))),
        tlsConfiguration: publicPair.serverConfiguration()),
      configuration: Self.served(at: configuration.public.address),
      onServerRunning: { served.note("public", $0) }, logger: logger)
    var shopsTLS = shopsPair.serverConfiguration(least: .tlsv13)
    shopsTLS.certificateVerification = .noHostnameVerification
    let identities = identities
    let shopsPage = Application(
      router: shops,
      server: try .tls(
        .http1(
          configuration: .init(
            additionalChannelHandlers: [ConnectionDeadline()], idleTimeout: .seconds(60))),
        configuration: TLSChannelConfiguration(
          tlsConfiguration: shopsTLS,
          customVerificationCallback: { certificates, verdict in
            verdict.succeed(identities.value.admit(certificates) ? .certificateVerified : .failed)
          })),
      configuration: Self.served(at: configuration.shops.address),
      onServerRunning: { served.note("shops", $0) }, logger: logger)
    var services: [any Service] = [
      page, shopsPage, try administration(), PageReload(service: self),
    ]
    if let metrics { services.append(metrics) }
    services.append(PageClock(engine: engine, notifier: notifier))
    let group = ServiceGroup(
      configuration: .init(
        services: services.map { .init(service: $0) },
        gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
    do { try await group.run() } catch {
      await close()
      throw error
    }
    await close()
    logger.notice("stopped")
  }

  private func close() async {
    for merchant in engine.merchants.values { await merchant.shutdown() }
    await engine.paypal?.shutdown()
    store.close()
  }

  /// The socket of administration: for those who have a role, whoever may open it.
  private func administration() throws -> some Service {
    let path = configuration.administration.socketPath
    let owner = try configuration.administration.socketGroup.map { name in
      guard let group = unsafe getgrnam(name) else { throw PageStartError.unknownGroup(name) }
      return unsafe group.pointee.gr_gid
    }
    // What a process left that is gone; one that answers is not there, since the store is ours.
    unsafe unlink(path)
    let router = Router(context: AdminContext.self)
    router.add(middleware: HeadAnswers())
    router.add(middleware: AdminAccess(configuration.administration))
    AdminRoutes(engine: engine, startedAt: engine.now()).add(to: router)
    return Application(
      router: router, configuration: .init(address: .unixDomainSocket(path: path)),
      onServerRunning: { _ in
        _ = unsafe chmod(path, 0o660)
        if let group = owner, unsafe chown(path, uid_t.max, group) != 0 {
          logger.warning("the socket of administration cannot be given to its group")
        }
      }, logger: logger)
  }

  /// Prometheus's listener, without TLS: for the host's own network.
  private var metrics: (any Service)? {
    guard let address = configuration.metrics else { return nil }
    let router = Router()
    router.add(middleware: HeadAnswers())
    let routes = AdminRoutes(engine: engine, startedAt: engine.now())
    router.get("/metrics") { _, _ in try await routes.metrics() }
    return Application(
      router: router, configuration: .init(address: Self.address(address)), logger: logger)
  }

  /// Connections of one listener at a time.
  private static let mostConnections = 4_096

  private static func served(at address: ListenAddress) -> ApplicationConfiguration {
    ApplicationConfiguration(
      address: self.address(address),
      availableConnectionsDelegate: MaximumAvailableConnections(mostConnections))
  }

  private static func address(_ address: ListenAddress) -> BindAddress {
    .hostname(address.host, port: Int(address.port))
  }
}

enum PageStartError: Error, CustomStringConvertible {
  case unknownGroup(String)

  var description: String {
    switch self {
    case .unknownGroup(let name): "there is no group \(name), which \"socket_group\" names"
    }
  }
}

/// Says once that all listeners answer, and where.
private final class Served: Sendable {
  private let logger: Logger
  private let names: Set<String>
  private let ports = Mutex<[String: String]>([:])

  init(logger: Logger, names: Set<String>) {
    self.logger = logger
    self.names = names
  }

  func note(_ name: String, _ channel: any Channel) {
    let all = ports.withLock { ports -> [String: String]? in
      let address = channel.localAddress
      ports[name] = "\(address?.ipAddress ?? ""):\(address?.port ?? 0)"
      return ports.count == names.count ? ports : nil
    }
    guard let all else { return }
    logger.info(
      "serving", metadata: ["public": "\(all["public"] ?? "")", "shops": "\(all["shops"] ?? "")"])
  }
}

/// What is done again and again, each part apart: none waits for another.
private struct PageClock: Service {
  let engine: PaymentEngine
  let notifier: Notifier

  @concurrent func run() async throws {
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await each(second: 1) { engine.codes.forget(olderThan: engine.now()) } }
      group.addTask { await each(second: 1) { try await engine.tick() } }
      group.addTask { await each(second: 1) { try await notifier.tick() } }
      group.addTask { await each(second: 1) { await engine.deleteTokens() } }
      // It looks at all payments that are not settled, and has a day.
      group.addTask { await each(second: 10) { try await engine.oweTokens() } }
    }
    notifier.stop()
    // What is under way ends before the store is closed.
    let end = ContinuousClock.now + .seconds(20)
    while !engine.waiters.isIdle, ContinuousClock.now < end {
      try? await Task.sleep(for: .milliseconds(20))
    }
  }

  private func each(second seconds: Int, _ work: () async throws -> Void) async {
    while !Task.isShuttingDownGracefully && !Task.isCancelled {
      do { try await work() } catch {
        engine.logger.error("the clock's work is not done", metadata: ["cause": "\(error)"])
      }
      try? await cancelWhenGracefulShutdown { try await Task.sleep(for: .seconds(seconds)) }
    }
  }
}
