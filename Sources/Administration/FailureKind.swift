/// What a failure means to whoever asked. The name and the HTTP status of an answer follow from it, and so
/// does the exit status of a command, whether it asked a service or did the work itself.
package enum FailureKind: CaseIterable, Sendable {
  /// The request has no valid form.
  case malformed
  /// The configuration is not valid, or does not fit the store or the host.
  case misconfigured
  /// Whoever asked may not.
  case notPermitted
  /// There is no such thing.
  case notFound
  /// It cannot be done as things are.
  case refused
  /// Nothing has changed, for certain: new shares are worth nothing.
  case notReplaced
  /// Others are being served; try again.
  case busy
  /// Store, keys or service cannot be used.
  case unavailable

  /// What an answer with an HTTP status means, to whom its name does not matter.
  package init(httpStatus: Int) {
    self = Self.allCases.first { $0.httpStatus == httpStatus } ?? .unavailable
  }

  /// The name of the problem in an answer.
  package var name: String {
    switch self {
    case .malformed: "malformed-request"
    case .misconfigured: "misconfigured"
    case .notPermitted: "not-permitted"
    case .notFound: "not-found"
    case .refused: "refused"
    case .notReplaced: "not-replaced"
    case .busy: "busy"
    case .unavailable: "unavailable"
    }
  }

  /// The HTTP status of the answer.
  package var httpStatus: Int {
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
