import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import NIOSSL

/// What a request of a shop carries: who sends it.
struct ShopContext: RequestContext {
  var coreContext: CoreRequestContextStorage
  let channel: any Channel
  /// Set by ``ShopIdentification``.
  var merchant: PageMerchant?

  init(source: ApplicationRequestContextSource) {
    coreContext = .init(source: source)
    channel = source.channel
  }

  var maxUploadSize: Int { 64 << 10 }

  /// The merchant, which every route behind ``ShopIdentification`` has.
  func knownMerchant() throws -> PageMerchant {
    guard let merchant else { throw PageProblem.unknownClient }
    return merchant
  }
}

/// Says whose client sends a request, at each request anew.
struct ShopIdentification: RouterMiddleware {
  let identities: Reloadable<ShopIdentities>
  let engine: PaymentEngine

  let identifiers: Identifiers

  @concurrent func handle(
    _ request: Request, context: ShopContext,
    next: @concurrent (Request, ShopContext) async throws -> Response
  ) async throws -> Response {
    var response: Response
    do {
      response = try await identified(request, context, next)
    } catch let problem as PageProblem {
      response = try problem.response(from: request, context: context)
    } catch let error as HTTPError where error.status == .notFound {
      response = try PageProblem.notFound.response(from: request, context: context)
    } catch let error as HTTPError where error.status == .contentTooLarge {
      response = try PageProblem(413, "body-too-large", "The body is too large")
        .response(from: request, context: context)
    } catch {
      engine.logger.error(
        "a shop is not answered", metadata: ["cause": "\(type(of: error))"])
      response = try PageProblem(500, "internal-error", "Something failed here")
        .response(from: request, context: context)
    }
    if let name = HTTPField.Name("X-Request-Id") {
      response.headers[name] = try identifiers.address()
    }
    return response
  }

  private func identified(
    _ request: Request, _ context: ShopContext,
    _ next: @concurrent (Request, ShopContext) async throws -> Response
  ) async throws -> Response {
    let certificate = try? await context.channel.pipeline.handler(type: NIOSSLServerHandler.self)
      .map { $0.peerCertificate }.get()
    guard let name = identities.value.shop(of: certificate ?? nil),
      let merchant = engine.merchants[name]
    else { throw PageProblem.unknownClient }
    var context = context
    context.merchant = merchant
    return try await next(request, context)
  }
}
