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
