/// The statuses that answers have, with their reason phrases.
/// - Source: RFC 9110, 15; RFC 6585 (429, 431); RFC 4918 (507).
package enum HTTPStatus: UInt16, Sendable {
  case ok = 200
  case created = 201
  case noContent = 204
  case badRequest = 400
  case forbidden = 403
  case notFound = 404
  case methodNotAllowed = 405
  case conflict = 409
  case lengthRequired = 411
  case contentTooLarge = 413
  case unsupportedMediaType = 415
  case unprocessableContent = 422
  case tooManyRequests = 429
  case requestHeaderFieldsTooLarge = 431
  case internalServerError = 500
  case badGateway = 502
  case serviceUnavailable = 503
  case gatewayTimeout = 504
  case insufficientStorage = 507

  /// The status line.
  package var line: StaticString {
    switch self {
    case .ok: "HTTP/1.1 200 OK\r\n"
    case .created: "HTTP/1.1 201 Created\r\n"
    case .noContent: "HTTP/1.1 204 No Content\r\n"
    case .badRequest: "HTTP/1.1 400 Bad Request\r\n"
    case .forbidden: "HTTP/1.1 403 Forbidden\r\n"
    case .notFound: "HTTP/1.1 404 Not Found\r\n"
    case .methodNotAllowed: "HTTP/1.1 405 Method Not Allowed\r\n"
    case .conflict: "HTTP/1.1 409 Conflict\r\n"
    case .lengthRequired: "HTTP/1.1 411 Length Required\r\n"
    case .contentTooLarge: "HTTP/1.1 413 Content Too Large\r\n"
    case .unsupportedMediaType: "HTTP/1.1 415 Unsupported Media Type\r\n"
    case .unprocessableContent: "HTTP/1.1 422 Unprocessable Content\r\n"
    case .tooManyRequests: "HTTP/1.1 429 Too Many Requests\r\n"
    case .requestHeaderFieldsTooLarge: "HTTP/1.1 431 Request Header Fields Too Large\r\n"
    case .internalServerError: "HTTP/1.1 500 Internal Server Error\r\n"
    case .badGateway: "HTTP/1.1 502 Bad Gateway\r\n"
    case .serviceUnavailable: "HTTP/1.1 503 Service Unavailable\r\n"
    case .gatewayTimeout: "HTTP/1.1 504 Gateway Timeout\r\n"
    case .insufficientStorage: "HTTP/1.1 507 Insufficient Storage\r\n"
    }
  }
}
