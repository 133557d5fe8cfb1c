import AccessPolicy
import Bytes
import Cards

/// What a request's line and header fields say, as far as this server cares.
///
/// A value with nothing of the bytes that it was read from, so that they may be moved or wiped.
struct RequestHead: Equatable {
  /// The methods that some resource here supports, `HEAD`, whose answer has no body, and all others.
  enum Method: Equatable {
    case post, delete, head, other
  }

  /// What the header says of the body's form.
  enum MediaType: Equatable {
    case absent, json, other
  }

  /// The idempotency key, where there is one.
  enum IdempotencyKey: Equatable {
    case absent
    /// 1 to 255 visible ASCII characters.
    case key([UInt8])
    /// Empty, too long, or with other characters.
    case malformed
  }

  var method: Method
  var route: Route
  /// `Content-Length`, if there is one; a figure that no integer holds is `Int.max`.
  var bodyLength: Int?
  /// Whether the body comes in chunks; then there is no ``bodyLength``.
  var isChunked = false
  /// Whether the body is in a content coding, such as gzip.
  var isCoded = false
  var mediaType = MediaType.absent
  var idempotencyKey = IdempotencyKey.absent
  /// Whether the client waits for `100 Continue` before it sends the body.
  var expectsContinue = false
  /// Whether the client wants the connection closed after the answer.
  var closes = false
}

/// What a path names.
enum Route: Equatable {
  /// `/v1/tokens`
  case tokens
  /// `/v1/tokens/{token}`; nil where the last part is not a token in its form.
  case token(Token?)
  /// `/v1/tokens/{token}/detokenize`
  case detokenize(Token?)
  /// Anything else.
  case unknown

  /// Reads the path in `range`. Nothing is decoded or normalized: each resource has one spelling.
  init(path range: Range<Int>, in text: RawSpan) {
    let prefix: StaticString = "/v1/tokens"
    let prefixEnd = range.lowerBound + prefix.utf8CodeUnitCount
    self = .unknown
    guard prefixEnd <= range.upperBound, text.matches(range.lowerBound..<prefixEnd, prefix) else {
      return
    }
    if prefixEnd == range.upperBound {
      self = .tokens
      return
    }
    let name = prefixEnd + 1..<range.upperBound
    let slash = UInt8(ascii: "/")
    guard text.byte(prefixEnd) == slash, !name.isEmpty else { return }
    guard let end = text.firstIndex(of: slash, in: name) else {
      self = .token(Token(bytes: text.extracting(name)))
      return
    }
    if end > name.lowerBound, text.matches(end..<name.upperBound, "/detokenize") {
      self = .detokenize(Token(bytes: text.extracting(name.lowerBound..<end)))
    }
  }

  /// What `Allow` says, or nil for a resource that does not exist.
  var allowedMethod: RequestHead.Method? {
    switch self {
    case .tokens, .detokenize: .post
    case .token: .delete
    case .unknown: nil
    }
  }

  /// What the resource is for; nil for one that does not exist.
  var operation: Operation? {
    switch self {
    case .tokens: .tokenize
    case .detokenize: .detokenize
    case .token: .delete
    case .unknown: nil
    }
  }

  /// The token in the path, if it has the form of one.
  var token: Token? {
    switch self {
    case .token(let token), .detokenize(let token): token
    case .tokens, .unknown: nil
    }
  }

  /// The route's name for logs and metrics: never the path itself.
  var name: StaticString {
    switch self {
    case .tokens: "/v1/tokens"
    case .token: "/v1/tokens/{token}"
    case .detokenize: "/v1/tokens/{token}/detokenize"
    case .unknown: "unknown"
    }
  }
}

extension Token {
  /// Reads a token without making a `String` of what may be none.
  init?(bytes: RawSpan) {
    let prefix: StaticString = "tok_"
    let start = prefix.utf8CodeUnitCount
    guard bytes.byteCount > start, bytes.matches(0..<start, prefix),
      let uuid = UUIDv7(text: bytes.extracting(start..<bytes.byteCount))
    else { return nil }
    self.init(uuid)
  }
}
