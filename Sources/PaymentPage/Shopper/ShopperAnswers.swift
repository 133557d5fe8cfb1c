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
    if let visit { setCookie(visit, &fields) }
    engine.figures.count(status: status.code)
    return Response(
      status: status, headers: fields, body: .init(byteBuffer: ByteBuffer(string: html)))
  }

  /// 303 to a place of this payment.
  func redirect(to place: String, _ visit: Visit) -> Response {
    var fields = headers.fields(.plain, language: nil)
    fields[.location] = "/p/\(visit.payment.address)\(place)"
    setCookie(visit, &fields)
    engine.figures.count(status: 303)
    return Response(status: .seeOther, headers: fields)
  }

  private func setCookie(_ visit: Visit, _ fields: inout HTTPFields) {
    guard visit.mayHaveCookie, let fresh = try? identifiers.address() else { return }
    fields[.setCookie] = visit.cookie.header(fresh: fresh, isFramed: headers.isFramed)
  }

  /// Whether the answer may set the cookie. A foreign site can have a browser send a POST without its cookie
  /// or load the address as a picture; a fresh cookie then would take the place of the one that it has.
  func mayHaveCookie(_ request: Request, hadCookie: Bool) -> Bool {
    request.method == .post ? hadCookie && isOurs(request) : hadCookie || isVisit(request)
  }

  /// Whether somebody looks: a navigation of the whole window (where framing is configured, of a frame),
  /// which nobody has made beforehand.
  func isVisit(_ request: Request) -> Bool {
    func field(_ name: String) -> String? {
      HTTPField.Name(name).flatMap { request.headers[$0] }
    }
    let places = headers.isFramed ? ["document", "iframe"] : ["document"]
    return field("Sec-Fetch-Dest").map { places.contains($0) } != false
      && field("Sec-Fetch-Mode").map { $0 == "navigate" } != false && !isPrefetch(request)
  }

  /// Whether a browser asks before anybody wants to look.
  func isPrefetch(_ request: Request) -> Bool {
    ["Purpose", "Sec-Purpose"].contains { name in
      HTTPField.Name(name).flatMap { request.headers[$0] }?.hasPrefix("prefetch") == true
    }
  }

  func plain(_ status: HTTPResponse.Status) -> Response {
    engine.figures.count(status: status.code)
    return Response(status: status, headers: headers.fields(.plain, language: nil))
  }

  /// For a POST that is not to be taken: to the payment, or to the page that says that there is none.
  func redirectOrFault(_ request: Request, _ context: ShopperContext) async throws -> Response {
    guard let visit = try await visit(request, context) else {
      throw HTTPError(.notFound)
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
