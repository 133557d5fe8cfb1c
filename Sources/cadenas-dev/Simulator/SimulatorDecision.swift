/// What the simulator does with a message: a pure function of amount, expiry and 3-D Secure data,
/// as the test platforms of acquirers have it.
///
/// | amount | answer | response code |
/// |---|---|---|
/// | 100001 | declined: insufficient funds | 51 |
/// | 100002 | declined: limit exceeded | 61 |
/// | 100003 | declined: do not honour | 05 |
/// | 100004 | declined: lost or stolen | 41 |
/// | 100005 | declined: suspected fraud | 59 |
/// | 100006 | challenge required, unless the message has `three_ds` | 1A |
/// | 100007 | rejected | |
/// | 100008 | an answer that is not JSON | |
/// | 100009 | approved, with the card's number in every member that is text | |
/// | 100010 | approved after 2 s | 00 |
/// | 100011 | none: the connection is closed | |
/// | 100012 | half of it approved | 10 |
/// | 100013 | pending: it is decided later | |
/// | 200006 | challenge required, once, although the message has `three_ds` | 1A |
/// | any other | approved | 00 |
///
/// What is approved in full can be told to echo something: ``SimulatorEcho``.
///
/// A card past its expiry is declined with code 54 wherever the table would decide about it.
enum SimulatorDecision: Equatable {
  case approve(partially: Int64?)
  case approveLate
  case approveEchoingCard
  case approveEchoing(SimulatorEcho)
  case decline(code: String)
  case challenge
  case reject
  case garble
  case disconnect
  case decideLater

  /// How long ``approveLate`` waits, in seconds.
  static let latenessSeconds: Int64 = 2

  /// Decides about one message at a time in Unix seconds.
  ///
  /// - Parameter wantsChallenge: whether an issuer that asks for a challenge once has not yet.
  init(
    amount: Int64, expiry: SimulatorExpiry, hasThreeDSecure: Bool, echo: SimulatorEcho? = nil,
    wantsChallenge: Bool = false, now unixSeconds: Int64
  ) {
    switch amount {
    case 100_007: self = .reject
    case 100_008: self = .garble
    case 100_011: self = .disconnect
    case _ where expiry.isPast(at: unixSeconds): self = .decline(code: "54")
    case 100_001: self = .decline(code: "51")
    case 100_002: self = .decline(code: "61")
    case 100_003: self = .decline(code: "05")
    case 100_004: self = .decline(code: "41")
    case 100_005: self = .decline(code: "59")
    case 100_006 where !hasThreeDSecure: self = .challenge
    case 200_006 where wantsChallenge: self = .challenge
    case 100_013: self = .decideLater
    case 100_009: self = .approveEchoingCard
    case 100_010: self = .approveLate
    case 100_012: self = .approve(partially: amount / 2)
    default: self = echo.map { .approveEchoing($0) } ?? .approve(partially: nil)
    }
  }

  /// What the log calls it.
  var name: String {
    switch self {
    case .approve(nil): "APPROVED"
    case .approve: "APPROVED in part"
    case .approveLate: "APPROVED late"
    case .approveEchoingCard: "APPROVED echoing the card"
    case .approveEchoing(let echo): "APPROVED \(echo.rawValue)"
    case .decline(let code): "DECLINED \(code)"
    case .challenge: "CHALLENGE_REQUIRED"
    case .reject: "REJECTED"
    case .garble: "no JSON"
    case .disconnect: "connection closed"
    case .decideLater: "PENDING"
    }
  }
}
