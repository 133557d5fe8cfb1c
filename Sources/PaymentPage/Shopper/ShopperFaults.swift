import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import PaymentStore
import Payments

/// Answers what no route answers, and what failed: a GET with a page in plain words, a POST with 303 to one.
struct ShopperFaults: RouterMiddleware {
  let routes: ShopperRoutes

  @concurrent func handle(
    _ request: Request, context: ShopperContext,
    next: @concurrent (Request, ShopperContext) async throws -> Response
  ) async throws -> Response {
    do {
      return try await next(request, context)
    } catch {
      let status = (error as? HTTPError)?.status ?? .internalServerError
      if status.kind != .clientError {
        routes.engine.logger.error(
          "a page is not answered", metadata: ["cause": "\(type(of: error))"])
      }
      if request.method == .post { return routes.redirect(failed: request, status) }
      if status == .notFound { return try routes.fault("gone", status, request) }
      return try await routes.fault(status, request)
    }
  }
}

// What is said where something failed.

extension ShopperRoutes {
  /// 303 to what is to be read of a POST that failed. It is never a page itself: Chromium writes the body of
  /// a POST that is answered by one, a card's number and code, into the profile on disk.
  func redirect(failed request: Request, _ status: HTTPResponse.Status) -> Response {
    var fields = headers.fields(.plain, language: nil)
    let place = Self.address(in: request).map { "/p/\($0)" }
    let words = status.kind == .clientError ? "" : "?f=fault#outcome"
    fields[.location] = place.map { $0 + words } ?? "/p/"
    engine.figures.count(status: status.code)
    return Response(status: .seeOther, headers: fields)
  }

  /// The page that something failed. That nothing was charged is said only where the payment could be read
  /// and nobody may have been asked for money.
  func fault(_ status: HTTPResponse.Status, _ request: Request) async throws -> Response {
    let address = Self.address(in: request)
    let payment = try? await engine.store.read { reading in
      try address.flatMap { try reading.payment(at: $0) }
    }
    let isCertain = (payment ?? nil)?.state.chargesNothing == true
    return try fault(isCertain ? "fault" : "unsure", status, request, retry: address)
  }

  /// The address of a payment in a request's path, whatever stands behind it.
  private static func address(in request: Request) -> String? {
    let parts = request.uri.path.split(separator: "/")
    guard parts.count >= 2, parts[0] == "p", Identifiers.isAddress(parts[1]) else { return nil }
    return String(parts[1])
  }

  /// A page that says what is wrong: by the key of its sentence.
  ///
  /// - Parameter retry: the address of the payment to which it leads.
  func fault(
    _ key: String, _ status: HTTPResponse.Status, _ request: Request, retry: String? = nil
  ) throws -> Response {
    let wanted = request.uri.queryParameters.get("lang").flatMap { Language(rawValue: String($0)) }
    let language =
      wanted
      ?? Language.preferred(request.headers[.acceptLanguage], among: Language.allCases)
    var fields = headers.fields(.plain, language: language.rawValue)
    fields[.contentType] = "text/html; charset=utf-8"
    engine.figures.count(status: status.code)
    let html = renderer.fault(key, language, retry: retry)
    return Response(
      status: status, headers: fields, body: .init(byteBuffer: ByteBuffer(string: html)))
  }
}
