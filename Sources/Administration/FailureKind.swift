/// What a failure means to whoever asked. The name, which is the raw value, and the HTTP status of an
/// answer follow from it, and so does a command's exit status, whoever did the work.
package enum FailureKind: String, CaseIterable, Sendable {
  /// The request has no valid form.
  case malformed = "malformed-request"
  /// The configuration is not valid, or does not fit the store or the host.
  case misconfigured
  /// Whoever asked may not.
  case notPermitted = "not-permitted"
  /// There is no such thing.
  case notFound = "not-found"
  /// It cannot be done as things are.
  case refused
  /// Nothing has changed, for certain: new shares are worth nothing.
  case notReplaced = "not-replaced"
  /// Others are being served; try again.
  case busy
  /// Store, keys or service cannot be used.
  case unavailable

  /// What an answer with an HTTP status means, to whom its name does not matter.
  package init(httpStatus: Int) {
    self = Self.allCases.first { $0.httpStatus == httpStatus } ?? .unavailable
  }

  /// The HTTP status of the answer.
  var httpStatus: Int {
    switch self {
    case .malformed: 400
    case .misconfigured: 500
    case .notPermitted: 403
    case .notFound: 404
    case .refused, .notReplaced: 409
    case .busy, .unavailable: 503
    }
  }
}
