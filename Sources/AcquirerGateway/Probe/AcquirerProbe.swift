import Bytes
import ConfigurationReading
import Cryptography
import NIOCore
import NIOPosix
import NIOSSL
import NIOTLS
import Tokenization

/// Opens connections to an acquirer to look at them, and sends nothing on them.
///
/// Two: one with the settings of payments, which says whether a message could be sent; and one that only
/// takes the chain that the acquirer shows, and breaks the handshake off, since a handshake that is
/// checked shows the chain to nobody.
struct AcquirerProbe: Sendable {
  /// How long a connection has to stay after its handshake: in TLS 1.3 the acquirer says only then that
  /// it does not take the vault's certificate.
  private static let settling = TimeAmount.milliseconds(500)

  let endpoint: AcquirerEndpoint
  let time: TimeAmount
  /// For the validity of certificates.
  let unixSeconds: Int64

  /// Looks; blocks nobody.
  func look(on loop: any EventLoop) -> EventLoopFuture<AcquirerSighting> {
    let begin = NIODeadline.now()
    let found = loop.makePromise(of: ProbeHandler.Found.self)
    connect(on: loop, found) {
      try [
        FirstBytes(),
        NIOSSLClientHandler(context: endpoint.tls, serverHostname: endpoint.listing.serverName),
        ProbeHandler(found, settling: Self.settling),
      ]
    }
    return found.futureResult.flatMap { result in
      let spent = (result.at - begin).nanoseconds / 1_000_000
      return chain(on: loop, unless: result).map { chain in
        sighting(of: result, chain, milliseconds: spent)
      }
    }
  }

  /// The chain in DER; empty where none was shown.
  private func chain(
    on loop: any EventLoop, unless found: ProbeHandler.Found
  ) -> EventLoopFuture<[[UInt8]]> {
    if found.failure?.isBeforeTLS == true { return loop.makeSucceededFuture([]) }
    let shown = loop.makePromise(of: [[UInt8]].self)
    let end = loop.makePromise(of: ProbeHandler.Found.self)
    end.futureResult.whenComplete { _ in shown.succeed([]) }
    connect(on: loop, end) {
      try [
        NIOSSLClientHandler(
          context: endpoint.tls, serverHostname: endpoint.listing.serverName,
          customVerificationCallback: { certificates, verdict in
            shown.succeed(certificates.compactMap { try? $0.toDERBytes() })
            verdict.succeed(.failed)
          }),
        ProbeHandler(end, settling: .zero),
      ]
    }
    return shown.futureResult
  }

  private func connect(
    on loop: any EventLoop, _ found: EventLoopPromise<ProbeHandler.Found>,
    _ handlers: @escaping @Sendable () throws -> [any ChannelHandler]
  ) {
    let deadline = loop.scheduleTask(in: time + Self.settling) {
      found.succeed(ProbeHandler.Found(failure: .timeout))
    }
    let connecting = endpoint.connect(on: loop, within: time)
    connecting.whenComplete { result in
      switch result {
      case .success(let channel):
        do {
          try channel.pipeline.syncOperations.addHandlers(handlers())
        } catch {
          found.succeed(ProbeHandler.Found(failure: .tls))
        }
      case .failure(let error):
        let failure = ConnectionFailure(connecting: error)
        found.succeed(
          ProbeHandler.Found(
            failure: failure.isTimeout
              ? .timeout : .unreachable(failure.systemError.map(\.words) ?? nil)))
      }
    }
    found.futureResult.whenComplete { _ in
      deadline.cancel()
      connecting.whenSuccess { $0.close(promise: nil) }
    }
  }

  private func sighting(
    of found: ProbeHandler.Found, _ chain: [[UInt8]], milliseconds: Int64
  ) -> AcquirerSighting {
    var sighting = AcquirerSighting(
      url: endpoint.listing.url, serverName: endpoint.listing.serverName)
    sighting.version = found.version
    sighting.suite = found.suite
    sighting.milliseconds = milliseconds
    sighting.chain = chain.compactMap { der in
      guard let description = try? CertificateDescription(der: der.rawSpan) else { return nil }
      let leaf = try? LeafCertificate(der: der.rawSpan)
      return ShownCertificate(description: description, dnsNames: leaf?.dnsNames ?? [])
    }
    sighting.isNamed = sighting.chain.first.map { shown in
      shown.dnsNames.contains {
        AcquirerEndpoint.matches(endpoint.listing.serverName, pattern: $0)
      }
    }
    sighting.problem = problem(of: found, sighting)
    return sighting
  }

  private func problem(
    of found: ProbeHandler.Found, _ sighting: AcquirerSighting
  ) -> AcquirerSighting.Problem? {
    switch found.failure {
    case nil: return sighting.isNamed == false ? .otherName : nil
    case .unreachable(let words): return .unreachable(words)
    case .timeout: return .timeout
    case .closed: return .closed
    case .tls: return sighting.chain.isEmpty ? .handshake : .closed
    case .distrusted:
      let old = sighting.chain.first {
        !($0.description.notBefore...max($0.description.notBefore, $0.description.notAfter))
          .contains(unixSeconds)
      }
      if let old { return .notCurrent(subject: old.description.subject) }
      return sighting.isNamed == false ? .otherName : .untrusted
    }
  }
}

/// Keeps the first bytes that came, for ``ServerHello``.
final class FirstBytes: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = ByteBuffer

  private(set) var bytes: [UInt8] = []

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let missing = ServerHello.longest - bytes.count
    if missing > 0 {
      bytes.append(contentsOf: unwrapInboundIn(data).readableBytesView.prefix(missing))
    }
    context.fireChannelRead(data)
  }
}

/// Stands behind TLS, and says what came of the handshake.
final class ProbeHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer

  /// What came of it.
  struct Found: Sendable {
    enum Failure: Sendable, Equatable {
      case unreachable(String?)
      case timeout
      case tls
      /// The vault does not believe what it was shown.
      case distrusted
      case closed

      /// Whether there was nobody to shake hands with.
      var isBeforeTLS: Bool {
        switch self {
        case .unreachable, .timeout: true
        case .tls, .distrusted, .closed: false
        }
      }
    }

    var version: String?
    var suite: String?
    /// When the handshake was over.
    var at = NIODeadline.now()
    var failure: Failure?
  }

  private let promise: EventLoopPromise<Found>
  private let settling: TimeAmount
  private var found: Found?

  init(_ promise: EventLoopPromise<Found>, settling: TimeAmount) {
    self.promise = promise
    self.settling = settling
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if case .handshakeCompleted? = event as? TLSUserEvent {
      let operations = context.pipeline.syncOperations
      let tls = try? operations.handler(type: NIOSSLClientHandler.self)
      let first = try? operations.handler(type: FirstBytes.self)
      let found = Found(
        version: tls?.tlsVersion == .tlsv13 ? "TLSv1.3" : "TLSv1.2",
        suite: first.flatMap { ServerHello.suite($0.bytes) })
      self.found = found
      context.eventLoop.scheduleTask(in: settling) { [promise] in promise.succeed(found) }
    }
    context.fireUserInboundEventTriggered(event)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {}

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    end(error)
  }

  func channelInactive(context: ChannelHandlerContext) {
    end()
    context.fireChannelInactive()
  }

  private func end(_ error: (any Error)? = nil) {
    var found = found ?? Found()
    let isOver = self.found != nil
    found.failure = isOver ? .closed : error.map(Self.isDistrust) == true ? .distrusted : .tls
    promise.succeed(found)
  }

  /// Whether it was this side that broke off. BoringSSL has a word for that, and NIOSSL no case.
  private static func isDistrust(_ error: any Error) -> Bool {
    error is NIOSSLExtraError || "\(error)".contains("CERTIFICATE_VERIFY_FAILED")
  }
}
