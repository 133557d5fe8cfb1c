import HTTPTypes
import Hummingbird
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

  @concurrent func handle(
    _ request: Request, context: ShopContext,
    next: @concurrent (Request, ShopContext) async throws -> Response
  ) async throws -> Response {
    let certificate = try? await context.channel.pipeline.handler(type: NIOSSLServerHandler.self)
      .map { $0.peerCertificate }.get()
    guard let name = identities.value.shop(of: certificate ?? nil),
      let merchant = engine.merchants[name]
    else {
      throw PageProblem.unknownClient
    }
    var context = context
    context.merchant = merchant
    do {
      return try await next(request, context)
    } catch let error as HTTPError where error.status == .notFound {
      throw PageProblem.notFound
    } catch let error as HTTPError where error.status == .contentTooLarge {
      throw PageProblem(413, "body-too-large", "The body is too large")
    }
  }
}
