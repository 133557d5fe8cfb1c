import JSON

/// What goes back to a client: a status and a body in JSON that holds no card number.
///
/// A body of a status of 400 and above is a problem document (`application/problem+json`), any other
/// is `application/json`; `204` has none.
package struct Answer: Sendable, Equatable {
  package let status: UInt16
  package let body: [UInt8]
  package let retryAfterSeconds: Int?

  /// An answer as it stands.
  package init(status: UInt16, body: [UInt8], retryAfterSeconds: Int? = nil) {
    self.status = status
    self.body = body
    self.retryAfterSeconds = retryAfterSeconds
  }

  /// The problem document of RFC 9457.
  package init(_ problem: Problem) {
    var json = JSONWriter()
    json.beginObject()
    json.member("type", string: "urn:cadenas:problem:" + problem.name.rawValue)
    json.member("title", string: problem.name.title)
    json.member("status", integer: problem.name.status)
    if let detail = problem.detail { json.member("detail", string: detail) }
    if let pointer = problem.pointer { json.member("pointer", string: pointer) }
    if let payment = problem.paymentIdentifier { json.member("payment_id", string: payment) }
    json.endObject()
    self.init(
      status: problem.name.status, body: json.bytes,
      retryAfterSeconds: problem.retryAfterSeconds)
  }
}
