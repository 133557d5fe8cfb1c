import HTTPTypes
import Hummingbird
import JSON
import NIOCore

/// An error of the shops' interface, as RFC 9457 has it; the names are the vault's.
struct PageProblem: Error, HTTPResponseError {
  let status: HTTPResponse.Status
  let name: String
  let title: String
  var detail: String?
  /// JSON Pointer of the member at fault.
  var pointer: String?
  var allow: String?

  init(
    _ status: Int, _ name: String, _ title: String, pointer: String? = nil, detail: String? = nil
  ) {
    self.status = HTTPResponse.Status(code: status)
    self.name = name
    self.title = title
    self.pointer = pointer
    self.detail = detail
  }

  static func malformed(_ detail: String) -> PageProblem {
    PageProblem(400, "malformed-request", "The request is malformed", detail: detail)
  }
  static func invalid(_ pointer: String, _ detail: String? = nil) -> PageProblem {
    PageProblem(
      422, "invalid-member", "A member has a wrong type, form or range", pointer: pointer,
      detail: detail)
  }
  static func unknown(_ pointer: String) -> PageProblem {
    PageProblem(422, "unknown-member", "A member is not known here", pointer: pointer)
  }
  static func missing(_ pointer: String) -> PageProblem {
    PageProblem(422, "missing-member", "A member is missing", pointer: pointer)
  }
  static let notFound = PageProblem(404, "no-such-resource", "There is no such resource")
  static let paymentNotFound = PageProblem(404, "payment-not-found", "There is no such payment")
  static let closed = PageProblem(
    409, "payment-closed", "The payment does not stand as this needs it")
  static let unknownClient = PageProblem(
    403, "unknown-client", "No shop has a client of this identity")
  static let keyRequired = PageProblem(
    400, "idempotency-key-required", "An Idempotency-Key is required")
  static let keyReused = PageProblem(
    422, "idempotency-key-reused", "The Idempotency-Key was used with another request")

  func response(from request: Request, context: some RequestContext) throws -> Response {
    let body = JSONWriter.document { json in
      json.member("type", string: "urn:cadenas:problem:\(name)")
      json.member("title", string: title)
      json.member("status", integer: status.code)
      if let detail { json.member("detail", string: detail) }
      if let pointer { json.member("pointer", string: pointer) }
    }
    var headers: HTTPFields = [
      .contentType: "application/problem+json", .cacheControl: "no-store",
    ]
    if let allow { headers[.allow] = allow }
    return Response(
      status: status, headers: headers, body: .init(byteBuffer: ByteBuffer(bytes: body)))
  }
}
