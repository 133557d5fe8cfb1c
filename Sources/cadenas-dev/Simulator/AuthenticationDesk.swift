import Cryptography
import JSON
import Synchronization

/// The simulator's 3-D Secure server: decides by amount who has to pass a challenge, as acquirers' test
/// platforms do, and knows what came of each.
///
/// | amount | decision |
/// |---|---|
/// | 200001, and any other | frictionless: authenticated |
/// | 200002 | challenge: the code 1234 passes, anything else fails |
/// | 200003 | not available: not authenticated |
/// | 200004 | attempt: authenticated with the status `A` |
/// | 200005 | challenge, whose access control server answers 500 |
/// | 200006 | frictionless; then the issuer asks for a challenge, once |
/// | 200007 | challenge, whose access control server never answers |
final class AuthenticationDesk: Sendable {
  /// What a payment hands on.
  struct Data {
    let status: String
    let indicator: String
    let value: String
    let directoryTransaction: String
    let accessControlTransaction: String
  }

  enum Result {
    case authenticated(Data)
    case challenge(transaction: String, url: String, request: String)
    case notAuthenticated

    /// What the log calls it.
    var name: String {
      switch self {
      case .authenticated(let data): "AUTHENTICATED \(data.status)"
      case .challenge: "CHALLENGE"
      case .notAuthenticated: "NOT_AUTHENTICATED"
      }
    }
  }

  /// A challenge that was begun.
  struct Challenge {
    enum State { case open, passed, failed }

    let amount: Int64
    let currency: String
    let reference: String?
    let notificationURL: String?
    let accessControlTransaction: String
    var state = State.open
  }

  /// The code that passes.
  static let code = "1234"
  /// How many challenges are kept; then the oldest half goes.
  static let mostChallenges = 100_000

  private struct State {
    var challenges: [String: Challenge] = [:]
    /// In the order in which they were begun.
    var order: [String] = []
    /// Cards of which the issuer has asked for a challenge after all.
    var challenged: Set<String> = []
    /// `https://…` of the access control server, where browsers find it.
    var address = ""
  }

  private let state = Mutex(State())

  /// Says where the access control server listens.
  func serve(at address: String) { state.withLock { $0.address = address } }

  /// Decides about a message.
  ///
  /// - Parameter card: the digest of its card.
  func authenticate(_ message: SimulatorMessage, card: String) -> Result {
    state.withLock { state in
      switch message.amount {
      case 200_003: .notAuthenticated
      case 200_004: .authenticated(Self.data("A"))
      case 200_002, 200_005, 200_007: begin(message, &state)
      case 200_006 where state.challenged.contains(card): begin(message, &state)
      default: .authenticated(Self.data("Y"))
      }
    }
  }

  /// What came of a challenge; nobody who has not passed it is authenticated.
  func result(of transaction: String) -> Result {
    state.withLock { state in
      guard let challenge = state.challenges[transaction.lowercased()], challenge.state == .passed
      else { return .notAuthenticated }
      return .authenticated(
        Self.data("Y", accessControl: challenge.accessControlTransaction))
    }
  }

  /// Whether the issuer asks for a challenge now: at 200006 the first time, with data or without.
  func wantsChallenge(_ message: SimulatorMessage, card: String) -> Bool {
    guard message.amount == 200_006, message.operation == .authorize else { return false }
    return state.withLock { state in
      guard state.challenged.contains(card) else {
        if state.challenged.count == Self.mostChallenges { state.challenged = [] }
        state.challenged.insert(card)
        return true
      }
      // With data it is content now; without, it asks again.
      if message.hasThreeDSecure { state.challenged.remove(card) }
      return !message.hasThreeDSecure
    }
  }

  /// A challenge by its transaction.
  func challenge(_ transaction: String) -> Challenge? {
    state.withLock { $0.challenges[transaction.lowercased()] }
  }

  /// Ends a challenge, once.
  ///
  /// - Returns: whether it was passed.
  func end(_ transaction: String, code: String?) -> Bool {
    let transaction = transaction.lowercased()
    return state.withLock { state in
      guard let challenge = state.challenges[transaction], challenge.state == .open else {
        return state.challenges[transaction]?.state == .passed
      }
      let passed = code == Self.code
      state.challenges[transaction]?.state = passed ? .passed : .failed
      return passed
    }
  }

  private func begin(_ message: SimulatorMessage, _ state: inout State) -> Result {
    let transaction = Self.identifier()
    let challenge = Challenge(
      amount: message.amount, currency: message.currency, reference: message.reference,
      notificationURL: message.notificationURL,
      accessControlTransaction: Self.identifier())
    if state.order.count == Self.mostChallenges {
      for old in state.order.prefix(Self.mostChallenges / 2) { state.challenges[old] = nil }
      state.order.removeFirst(Self.mostChallenges / 2)
    }
    state.order.append(transaction)
    state.challenges[transaction] = challenge
    let request = JSONWriter.document { json in
      json.member("threeDSServerTransID", string: transaction)
      json.member("acsTransID", string: challenge.accessControlTransaction)
      json.member("messageType", string: "CReq")
      json.member("messageVersion", string: "2.2.0")
      json.member("challengeWindowSize", string: "05")
    }
    return .challenge(
      transaction: transaction, url: "\(state.address)/challenge",
      request: Base64.encodeForURL(request))
  }

  private static func data(_ status: String, accessControl: String? = nil) -> Data {
    Data(
      status: status, indicator: status == "Y" ? "05" : "06",
      value: Base64.encode((0..<20).map { _ in UInt8.random(in: .min ... .max) }),
      directoryTransaction: identifier(), accessControlTransaction: accessControl ?? identifier())
  }

  /// A UUID of version 4 (RFC 9562, 5.4).
  private static func identifier() -> String {
    func hexadecimal(_ digits: Int) -> String {
      (0..<digits).map { _ in String(UInt8.random(in: 0..<16), radix: 16) }.joined()
    }
    let groups = [
      hexadecimal(8), hexadecimal(4), "4" + hexadecimal(3), "8" + hexadecimal(3), hexadecimal(12),
    ]
    return groups.joined(separator: "-")
  }
}
