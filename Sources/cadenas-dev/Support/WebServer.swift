import Glibc
import Hummingbird
import HummingbirdTLS
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import SystemCalls

/// A web server of this program: TLS 1.2 or later without client certificates, HTTP/1.1 by Hummingbird.
struct WebServer: Sendable {
  /// The longest body that any of them reads, in bytes.
  static let bodyLimit = 64 << 10

  /// Where it listens.
  let endpoint: Endpoint
  private let serving: Task<Void, Never>

  /// Serves `router` on `endpoint`, port 0 for any free one, and returns when it answers.
  /// - Throws: ``DevelopmentError/connection(_:)`` when it cannot listen there.
  static func start(
    _ router: Router<WebContext>, on endpoint: Endpoint, with configuration: TLSConfiguration
  ) throws(DevelopmentError) -> WebServer {
    completeType(ByteToMessageHandler<HTTPRequestDecoder>.self)
    let port = MultiThreadedEventLoopGroup.singleton.any().makePromise(of: Int.self)
    // What a request holds is for nobody's log.
    var logger = Logger(label: "cadenas-dev")
    logger.logLevel = .critical
    do {
      let application = Application(
        router: router, server: try .tls(tlsConfiguration: configuration),
        configuration: ApplicationConfiguration(
          address: .hostname(endpoint.host, port: endpoint.port)),
        onServerRunning: { port.succeed($0.localAddress?.port ?? 0) }, logger: logger)
      let serving = Task {
        do { try await application.run() } catch { port.fail(error) }
        port.fail(DevelopmentError.connection("stopped"))
      }
      return WebServer(
        endpoint: Endpoint(host: endpoint.host, port: try port.futureResult.wait()),
        serving: serving)
    } catch {
      throw .connection("cannot listen on \(endpoint): \(error)")
    }
  }

  /// Takes no more connections.
  func stop() { serving.cancel() }
}

/// What is known of a request beside itself.
struct WebContext: RequestContext {
  var coreContext: CoreRequestContextStorage
  /// The connection that it came on.
  let channel: any Channel

  init(source: ApplicationRequestContextSource) {
    coreContext = CoreRequestContextStorage(source: source)
    channel = source.channel
  }

  /// Whether who asks is on this machine.
  var isFromLoopback: Bool {
    guard let address = channel.remoteAddress?.ipAddress else { return false }
    return address.hasPrefix("127.") || address == "::1"
  }
}

typealias HeaderName = HTTPFields.Element.Name

extension HTTPFields.Element.Name {
  /// A name that is known when the program is compiled.
  init(literal text: StaticString) {
    guard let name = HeaderName("\(text)") else { preconditionFailure("a name is a token") }
    self = name
  }
}

extension Request {
  /// The body as a form; nil for one that is longer than ``WebServer/bodyLimit``.
  func form() async -> WebForm? {
    guard let body = try? await body.collect(upTo: WebServer.bodyLimit) else { return nil }
    return WebForm(String(buffer: body))
  }
}

extension Response {
  /// A whole answer with a body of `type`.
  static func whole(
    _ status: HTTPResponse.Status, _ type: String, _ body: String,
    _ headers: HTTPFields = HTTPFields()
  ) -> Response {
    var headers = headers
    headers[.contentType] = type
    headers[.cacheControl] = "no-store"
    return Response(
      status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(string: body)))
  }

  /// A JSON document.
  static func json(_ status: HTTPResponse.Status, _ body: [UInt8]) -> Response {
    whole(status, "application/json", String(decoding: body, as: UTF8.self))
  }
}
