import NIOCore
import VaultCore

/// Writes a whole response, head and body, into one buffer.
struct ResponseHead {
  let status: UInt16
  let requestIdentifier: String
  var retryAfterSeconds: Int?
  /// What `Allow` says.
  var allowed: RequestHead.Method?
  /// Whether the connection is closed after this response.
  var closes = false
  /// How long the body is; nil where there is none at all.
  var body: (bytes: Int, isProblem: Bool)?

  /// Writes the head with its empty line.
  func write(to buffer: inout ByteBuffer) {
    buffer.writeStaticString((HTTPStatus(rawValue: status) ?? .internalServerError).line)
    if let body {
      buffer.writeStaticString(
        body.isProblem
          ? "Content-Type: application/problem+json\r\nCache-Control: no-store\r\nContent-Length: "
          : "Content-Type: application/json\r\nCache-Control: no-store\r\nContent-Length: ")
      buffer.writeString(String(body.bytes))
      buffer.writeStaticString("\r\n")
    }
    buffer.writeStaticString("X-Request-Id: ")
    buffer.writeString(requestIdentifier)
    if let retryAfterSeconds {
      buffer.writeStaticString("\r\nRetry-After: ")
      buffer.writeString(String(retryAfterSeconds))
    }
    switch allowed {
    case .post: buffer.writeStaticString("\r\nAllow: POST")
    case .delete: buffer.writeStaticString("\r\nAllow: DELETE")
    case .head, .other, nil: break
    }
    buffer.writeStaticString(closes ? "\r\nConnection: close\r\n\r\n" : "\r\n\r\n")
  }
}

<<<<<<< HEAD
extension ByteBuffer {
  /// Writes a number that is not negative.
  fileprivate mutating func writeDecimal(_ value: Int) {
    var divisor = 1
    while value / divisor >= 10 { divisor *= 10 }
    while divisor > 0 {
      writeInteger(UInt8(ascii: "0") + UInt8(value / divisor % 10))
      divisor /= 10
    }
=======
/// Every status of the contract's table.
private func statusLine(_ status: UInt16) -> StaticString {
  switch status {
  case 200: "HTTP/1.1 200 OK\r\n"
  case 201: "HTTP/1.1 201 Created\r\n"
  case 204: "HTTP/1.1 204 No Content\r\n"
  case 400: "HTTP/1.1 400 Bad Request\r\n"
  case 403: "HTTP/1.1 403 Forbidden\r\n"
  case 404: "HTTP/1.1 404 Not Found\r\n"
  case 405: "HTTP/1.1 405 Method Not Allowed\r\n"
  case 409: "HTTP/1.1 409 Conflict\r\n"
  case 411: "HTTP/1.1 411 Length Required\r\n"
  case 413: "HTTP/1.1 413 Content Too Large\r\n"
  case 415: "HTTP/1.1 415 Unsupported Media Type\r\n"
  case 422: "HTTP/1.1 422 Unprocessable Content\r\n"
  case 429: "HTTP/1.1 429 Too Many Requests\r\n"
  case 431: "HTTP/1.1 431 Request Header Fields Too Large\r\n"
  case 502: "HTTP/1.1 502 Bad Gateway\r\n"
  case 503: "HTTP/1.1 503 Service Unavailable\r\n"
  case 504: "HTTP/1.1 504 Gateway Timeout\r\n"
  case 507: "HTTP/1.1 507 Insufficient Storage\r\n"
  default: "HTTP/1.1 500 Internal Server Error\r\n"
>>>>>>> cut3
  }
}
