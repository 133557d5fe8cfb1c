import NIOCore
import VaultCore

/// Writes a whole response, head and body, into one buffer.
struct ResponseHead {
  let status: UInt16
  let requestIdentifier: String
  var retryAfterSeconds: Int?
  /// What `Allow` says.
  var allowed: RequestHead.Method?
  /// Whether `Accept-Encoding` says that a body is taken in no content coding.
  var refusesCoding = false
  /// How long the body is; nil where there is none at all.
  var body: (bytes: Int, isProblem: Bool)?

  /// Writes the head with its empty line.
  ///
  /// - Parameter standing: its last fields and the empty line, see ``StandingFields``.
  func write(to buffer: inout ByteBuffer, standing: ByteBuffer) {
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
    if refusesCoding { buffer.writeStaticString("\r\nAccept-Encoding: identity") }
    buffer.writeStaticString("\r\n")
    buffer.writeImmutableBuffer(standing)
  }
}
