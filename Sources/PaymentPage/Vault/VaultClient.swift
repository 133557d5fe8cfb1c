import AsyncHTTPClient
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Payments

/// The vault, as one merchant's page may ask it: tokenize, detokenize to the acquirer, delete.
///
/// Whatever may have reached the vault is asked again under its idempotency key, until an answer comes or
/// the time is over: the vault does nothing twice.
final class VaultClient: Sendable {
  /// How the vault is found, and the pair that is shown.
  struct Place: Sendable {
    let host: String
    let port: Int
    let serverName: String
    let authorityPath: String
    let certificatePath: String
    let privateKeyPath: String
  }

  /// How long it is asked again for a payment, and for anything else.
  static let paymentTime = TimeAmount.seconds(120)
  static let otherTime = TimeAmount.seconds(20)
  private static let mostAnswerBytes = 64 << 10

  private let client: HTTPClient
  private let base: String
  private let logger: Logger
  /// Which merchant's it is, for whoever reads the log.
  private let certificatePath: String
  private let warnings = OnceAMinute()

  init(_ place: Place, on group: any EventLoopGroup, logger: Logger) throws {
    client = try HTTPClient.page(toVault: place, on: group)
    let name = place.serverName.contains(":") ? "[\(place.serverName)]" : place.serverName
    base = "https://\(name):\(place.port)"
    self.logger = logger
    certificatePath = place.certificatePath
  }

  func shutdown() async { try? await client.shutdown() }

  func tokenize(_ body: ByteBuffer, key: String) async -> VaultAnswer {
    await ask(.POST, "/v1/tokens", body, key: key, within: Self.otherTime)
  }

  func view(_ token: String, preferredBrand: String? = nil) async -> VaultAnswer {
    await ask(
      .POST, "/v1/tokens", VaultRequest.view(token, preferredBrand: preferredBrand), key: nil,
      within: .seconds(5))
  }

  /// Asks once whether a token is there: nobody waits for it.
  func look(_ token: String) async -> VaultAnswer {
    await once(
      .POST, "/v1/tokens", VaultRequest.view(token, preferredBrand: nil), key: nil,
      by: .now() + .seconds(5))
  }

  func push(
    _ token: String, _ body: ByteBuffer, key: String, within time: TimeAmount = paymentTime
  ) async -> VaultAnswer {
    await ask(.POST, "/v1/tokens/\(token)/detokenize", body, key: key, within: time)
  }

  func delete(_ token: String) async -> VaultAnswer {
    await ask(.DELETE, "/v1/tokens/\(token)", nil, key: nil, within: .seconds(5))
  }

  /// Whether the vault answers at all.
  func isReached() async -> Bool {
    switch await once(.GET, "/v1/tokens", nil, key: nil, by: .now() + .seconds(5)) {
    case .done, .problem: true
    case .notSent, .lost: false
    }
  }

  /// Asks, and asks again where it has to, and may.
  private func ask(
    _ method: HTTPMethod, _ path: String, _ body: ByteBuffer?, key: String?,
    within time: TimeAmount
  ) async -> VaultAnswer {
    let deadline = NIODeadline.now() + time
    var pause = TimeAmount.milliseconds(50)
    var wasSent = false
    while true {
      let answer = await once(method, path, body, key: key, by: deadline)
      switch answer {
      case .problem(let problem) where Self.passes(problem): break
      case .notSent: break
      case .lost: wasSent = true
      default: return answer
      }
      if case .problem(let problem) = answer, let seconds = problem.retryAfter {
        pause = max(pause, .seconds(seconds))
      }
      guard .now() + pause < deadline else {
        if case .problem(let problem) = answer, problem.name != "request-in-progress", !wasSent {
          return answer
        }
        if case .notSent = answer, !wasSent { return .notSent }
        return .lost
      }
      try? await Task.sleep(nanoseconds: UInt64(pause.nanoseconds))
      pause = min(pause * 2, .seconds(1))
      if Task.isCancelled { return wasSent ? .lost : answer }
    }
  }

  /// Whether the same request may be answered otherwise in a moment.
  private static func passes(_ problem: VaultProblem) -> Bool {
    switch problem.name {
    case "request-in-progress", "quota-exceeded", "overloaded", "sealed", "shutting-down",
      "unavailable":
      true
    default: false
    }
  }

  private func once(
    _ method: HTTPMethod, _ path: String, _ body: ByteBuffer?, key: String?,
    by deadline: NIODeadline
  ) async -> VaultAnswer {
    var request = HTTPClientRequest(url: base + path)
    request.method = method
    if let body {
      request.headers.add(name: "Content-Type", value: "application/json")
      request.body = .bytes(body)
    }
    if let key { request.headers.add(name: "Idempotency-Key", value: key) }
    do {
      let response = try await client.execute(request, deadline: deadline)
      let received = try await response.body.collect(upTo: Self.mostAnswerBytes)
      let bytes = Array(received.readableBytesView)
      let status = Int(response.status.code)
      if (200..<300).contains(status) { return .done(status: status, body: bytes) }
      var problem = VaultProblem(status: status, body: bytes)
      problem.retryAfter = response.headers.first(name: "Retry-After").flatMap { Int64($0) }
        .map { min(max($0, 0), 3_600) }
      return .problem(problem)
    } catch {
      if warnings.isDue(
        certificatePath, at: Milliseconds(NIODeadline.now().uptimeNanoseconds / 1_000_000))
      {
        logger.warning(
          "the vault does not answer",
          metadata: ["certificate": "\(certificatePath)", "cause": "\(error)"])
      }
      return Self.wasNotSent(error) ? .notSent : .lost
    }
  }

  static func wasNotSent(_ error: any Error) -> Bool {
    switch error {
    case let error as HTTPClientError:
      error == .connectTimeout || error == .getConnectionFromPoolTimeout
        || error == .tlsHandshakeTimeout
    case is NIOConnectionError: true
    case let error as NIOSSLError:
      if case .handshakeFailed = error { true } else { false }
    case let error as IOError: error.errnoCode == ECONNREFUSED
    default: false
    }
  }
}
