import HTTPTypes
import Hummingbird
import NIOCore
import Payments

// How browsers are answered.

extension ShopperRoutes {
  /// A page, with a cookie that has changed.
  func answer(
    _ html: String, _ kind: PageHeaders.Kind, _ visit: Visit?,
    in language: Language? = nil, status: HTTPResponse.Status = .ok
  ) throws -> Response {
    var fields = headers.fields(kind, language: (language ?? visit?.language)?.rawValue)
    fields[.contentType] = "text/html; charset=utf-8"
    if let visit { try setCookie(visit, &fields) }
    engine.figures.count(status: status.code)
    return Response(
      status: status, headers: fields, body: .init(byteBuffer: ByteBuffer(string: html)))
  }

  /// 303 to a place of this payment.
  func redirect(to place: String, _ visit: Visit) -> Response {
    var fields = headers.fields(.plain, language: nil)
    fields[.location] = "/p/\(visit.payment.address)\(place)"
    try? setCookie(visit, &fields)
    engine.figures.count(status: 303)
    return Response(status: .seeOther, headers: fields)
  }

  private func setCookie(_ visit: Visit, _ fields: inout HTTPFields) throws {
    fields[.setCookie] = visit.cookie.header(
      fresh: try identifiers.address(), isFramed: headers.isFramed)
  }

  func plain(_ status: HTTPResponse.Status) -> Response {
    engine.figures.count(status: status.code)
    return Response(status: status, headers: headers.fields(.plain, language: nil))
  }

  /// A page that says what is wrong: by the key of its sentence.
  func fault(
    _ key: String, _ status: HTTPResponse.Status, _ request: Request
  ) throws -> Response {
    let language = Language.preferred(
      request.headers[.acceptLanguage], among: Language.allCases)
    var fields = headers.fields(.plain, language: language.rawValue)
    fields[.contentType] = "text/html; charset=utf-8"
    engine.figures.count(status: status.code)
    let html = renderer.fault(key, language)
    return Response(
      status: status, headers: fields, body: .init(byteBuffer: ByteBuffer(string: html)))
  }

  /// For a POST that is not to be taken: to the payment, or to the page that says that there is none.
  func redirectOrFault(_ request: Request, _ context: ShopperContext) async throws -> Response {
    guard let visit = try await visit(request, context) else {
      return try fault("gone", .notFound, request)
    }
    return redirect(to: "", visit)
  }

  /// Whether a form was sent by a page of ours. Under `no-referrer` its origin is `null`.
  func isOurs(_ request: Request) -> Bool {
    if let name = HTTPField.Name("Sec-Fetch-Site"), let site = request.headers[name],
      site != "same-origin"
    {
      return false
    }
    guard let origin = request.headers[.origin] else { return true }
    return origin == publicOrigin || origin == "null"
  }
}
