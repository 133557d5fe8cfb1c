import AccessPolicy
import Cryptography
import Listening
package import Logging
package import NIOCore
import NIOPosix
package import SecretMemory
import Synchronization
package import Tokenization

/// The vault's network socket: TLS 1.3 with client certificates, HTTP/1.1, JSON.
///
/// It serves from the moment it is made until ``stop(within:)``. The loops belong to the caller, who
/// shuts them down after the vault has given its last reply.
package final class VaultServer: Sendable {
  /// What a server is made of.
  package struct Settings: Sendable {
    /// The address to listen on, without port.
    package var host: String
    /// 0 for a free one; see ``VaultServer/port``.
    package var port: Int
    package var certificate: ServerCertificate
    package var limits = ServerLimits()
    /// Where card numbers and security codes are kept while a request is under way.
    package var pool: SecretPool
    /// The time of day, in seconds since 1970-01-01T00:00:00Z.
    package var unixSeconds: @Sendable () -> Int64

    /// Settings with the standard limits.
    package init(
      host: String, port: Int, certificate: ServerCertificate, pool: SecretPool,
      unixSeconds: @escaping @Sendable () -> Int64
    ) {
      self.host = host
      self.port = port
      self.certificate = certificate
      self.pool = pool
      self.unixSeconds = unixSeconds
    }
  }

  /// The requests, answers and connections so far.
  package var counters: ServerCounters { core.counters }
  /// How many connections have a client that no policy knows, yet or at all.
  package var handshakesUnderWay: Int { core.shares.withLock { $0.handshakeCount } }
  /// The port on which it listens.
  package let port: Int

  let core: ServerCore
  private let loops: [NIOLoopBound<LoopConnections>]
  private let listener: any Channel
  private let updates = Mutex(())

  /// Begins to serve.
  ///
  /// - Parameters:
  ///   - authorities: those that the policy of `terms` names.
  ///   - group: its loops; connections are spread over all of them.
  /// - Throws: ``VaultServerError``.
  package init(
    _ settings: Settings, service: any CardService, terms: Terms,
    authorities: TrustedAuthorities, group: any EventLoopGroup, logger: Logger
  ) async throws(VaultServerError) {
    let trust = TrustSnapshot(generation: 1, terms: terms, authorities: authorities)
    let tls = try makeTLS(settings.certificate, anchors: trust.anchorCertificates)
    let core: ServerCore
    do throws(CryptographyError) {
      core = try ServerCore(
        settings, service: service, state: ServerState(trust: trust, tls: tls), logger: logger)
    } catch {
      throw .noSecretMemory
    }
    self.core = core
    var loops: [NIOLoopBound<LoopConnections>] = []
    do {
      for loop in group.makeIterator() {
        loops.append(
          try await loop.submit {
            let connections = LoopConnections(loop: loop, core: core)
            connections.begin()
            return NIOLoopBound(connections, eventLoop: loop)
          }.get())
      }
      for bound in loops { try await TurnQueue.open(for: bound) }
      listener = try await Self.listen(
        settings, core: core, loops: loops, group: group, logger: logger)
      self.loops = loops
    } catch {
      for bound in loops { bound.eventLoop.execute { bound.value.end() } }
      throw .cannotListen(
        host: settings.host, port: settings.port, cause: ListenFailure.words(for: error))
    }
    port = listener.localAddress?.port ?? settings.port
  }

  /// Puts other terms, authorities and revocation lists, and another certificate in force: for new
  /// connections at once, for open ones at their next request or tick, and for requests that wait in
  /// the service. None is dropped that may stay. Nothing changes where it throws.
  package func update(
    terms: Terms, authorities: TrustedAuthorities, certificate: ServerCertificate
  ) throws(VaultServerError) {
    try updates.withLock { _ throws(VaultServerError) in
      let trust = TrustSnapshot(
        generation: core.state.generation + 1, terms: terms, authorities: authorities)
      let tls = try makeTLS(certificate, anchors: trust.anchorCertificates)
      // First, since what is admitted under new terms has to meet them.
      core.service.update(terms: terms)
      core.state.replace(trust: trust, tls: tls)
      core.intermediates.keepOnly(authorities.all.anchors)
    }
  }

  /// The certificate and trust of new handshakes.
  package var tls: ServerTLS { core.state.tls }

  /// The authorities that vouch for clients now, with their revocation lists.
  package var authorities: TrustedAuthorities { core.state.trust.authorities }

  /// What the handshakes of a server would use, for whoever lists it while none runs.
  ///
  /// - Throws: ``VaultServerError``.
  package static func tls(
    showing certificate: ServerCertificate,
    trusting authorities: TrustedAuthorities
  ) throws(VaultServerError) -> ServerTLS {
    try makeTLS(certificate, anchors: authorities.all.anchors.map(\.der))
  }

  /// Stops: takes no more connections and requests, answers what was accepted, closes. Connections
  /// that are still open after `amount` are cut off.
  ///
  /// - Returns: whether everything that was accepted has been answered.
  @discardableResult
  package func stop(within amount: TimeAmount) async -> Bool {
    core.state.beginStopping()
    try? await listener.close()
    let allClosed = listener.eventLoop.makePromise(of: Bool.self)
    let timeout = listener.eventLoop.scheduleTask(in: amount) { allClosed.succeed(false) }
    let closings = loops.map { bound in
      bound.eventLoop.flatSubmit { bound.value.stop() }
    }
    EventLoopFuture.andAllComplete(closings, on: listener.eventLoop).whenComplete { _ in
      timeout.cancel()
      allClosed.succeed(true)
    }
    let isDone = (try? await allClosed.futureResult.get()) ?? false
    for bound in loops {
      bound.eventLoop.execute {
        bound.value.abort()
        bound.value.end()
      }
    }
    core.log.tellCounts(at: .max)
    return isDone
  }

  private static func listen(
    _ settings: Settings, core: ServerCore, loops: [NIOLoopBound<LoopConnections>],
    group: any EventLoopGroup, logger: Logger
  ) async throws -> any Channel {
    try await ServerBootstrap(group: group)
      .serverChannelOption(ChannelOptions.backlog, value: 4096)
      .serverChannelOption(ChannelOptions.socketOption(.so_reuseaddr), value: 1)
      .serverChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(
            AcceptPause(logger, listener: "clients") { core.counters.add(.acceptsFailed) })
        }
      }
      .childChannelOption(ChannelOptions.tcpOption(.tcp_nodelay), value: 1)
      // One read of a bounded size before the handler is asked whether it wants more. The buffer
      // stays with the connection, so it is no larger than most requests need.
      .childChannelOption(ChannelOptions.maxMessagesPerRead, value: 1)
      .childChannelOption(
        ChannelOptions.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 4_096)
      )
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture { try open(channel, core: core, loops: loops) }
      }
      .bind(host: settings.host, port: settings.port)
      .get()
  }

  /// Sets a new connection up, or throws, which closes it.
  private static func open(
    _ channel: any Channel, core: ServerCore, loops: [NIOLoopBound<LoopConnections>]
  ) throws {
    guard let bound = loops.first(where: { $0.eventLoop === channel.eventLoop }),
      !core.state.isStopping
    else { throw ConnectionRefused() }
    let handler = ConnectionHandler(core: core, connections: bound.value, channel: channel)
    let onItsLoop = NIOLoopBound(handler, eventLoop: channel.eventLoop)
    guard core.admit(onItsLoop, from: PeerAddress(channel.remoteAddress)) else {
      throw ConnectionRefused()
    }
    do {
      try channel.pipeline.syncOperations.addHandler(handler)
    } catch {
      handler.givePlaceBack()
      throw error
    }
  }

  /// There is no place for the connection, or the server is stopping.
  private struct ConnectionRefused: Error {}
}
