import AccessPolicy
import Cards
import Ledgers
import SecretMemory
import Synchronization
import Tokenization
import VaultCore

@testable import VaultServer

/// A vault that keeps nothing, and remembers what it was asked.
final class FakeCardService: CardService {
  /// What it was asked, as words.
  enum Call: Equatable {
    case tokenize(last4: String, customer: String?, key: String?)
    case renew(token: String?, key: String?)
    case push(token: String?, acquirer: String?, key: String)
    case pull(token: String?)
    case delete(token: String?)
    case refuse(ProblemName, Operation?, token: String?)
  }

  private struct State {
    var calls: [Call] = []
    var isSealed = false
    /// Replies that wait for ``release()``, or nil where replies are given at once.
    var held: [@Sendable () -> Void]?
    var waiters: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
    var requestIdentifiers: [String] = []
    var callers: [Caller] = []
    var strangers: [Stranger] = []
    var number: MaskedNumber?
    var failure: Problem?
    var onUpdate: @Sendable (Terms) -> Void = { _ in }
    var onCall: @Sendable (Call) -> Void = { _ in }
  }

  private static let standardCard = Array("4970105181818183".utf8)

  private let state = Mutex(State())
  private let pool: SecretPool

  init(pool: SecretPool) { self.pool = pool }

  var calls: [Call] { state.withLock { $0.calls } }

  var requestIdentifiers: [String] { state.withLock { $0.requestIdentifiers } }

  var callers: [Caller] { state.withLock { $0.callers } }

  /// Those of whom it was told, that they are not served.
  var strangers: [Stranger] { state.withLock { $0.strangers } }

  func note(_ stranger: Stranger) { state.withLock { $0.strangers.append(stranger) } }

  /// The card of every token; a published test number where it is nil.
  var number: MaskedNumber? {
    get { state.withLock { $0.number } }
    set { state.withLock { $0.number = newValue } }
  }

  /// What every deletion ends with; nil where they succeed.
  var failure: Problem? {
    get { state.withLock { $0.failure } }
    set { state.withLock { $0.failure = newValue } }
  }

  var isSealed: Bool {
    get { state.withLock { $0.isSealed } }
    set { state.withLock { $0.isSealed = newValue } }
  }

  /// Told the terms that are put in force.
  func onUpdate(_ body: @escaping @Sendable (Terms) -> Void) {
    state.withLock { $0.onUpdate = body }
  }

  /// Told of each call before it is answered.
  func onCall(_ body: @escaping @Sendable (Call) -> Void) {
    state.withLock { $0.onCall = body }
  }

  func update(terms: Terms) { state.withLock { $0.onUpdate }(terms) }

  /// Keeps the replies from now on.
  func hold() { state.withLock { $0.held = [] } }

  /// Gives all replies that were kept, and keeps none any more.
  func release() {
    let held = state.withLock { state in
      defer { state.held = nil }
      return state.held ?? []
    }
    for reply in held { reply() }
  }

  /// Waits until it has been asked `count` times.
  func called(times count: Int) async {
    await withCheckedContinuation { continuation in
      let isDue = state.withLock { state in
        if state.calls.count >= count { return true }
        state.waiters.append((count, continuation))
        return false
      }
      if isDue { continuation.resume() }
    }
  }

  private func record(_ call: Call, _ caller: Caller, _ reply: @escaping @Sendable () -> Void) {
    state.withLock { $0.onCall }(call)
    let (isHeld, due) = state.withLock { state in
      state.calls.append(call)
      state.requestIdentifiers.append(caller.requestIdentifier)
      state.callers.append(caller)
      let count = state.calls.count
      let due = state.waiters.filter { $0.count <= count }.map(\.continuation)
      state.waiters.removeAll { $0.count <= count }
      if state.held != nil { state.held?.append(reply) }
      return (state.held != nil, due)
    }
    for continuation in due { continuation.resume() }
    if !isHeld { reply() }
  }

  func tokenize(
    _ request: consuming TokenizeRequest, caller: Caller,
    reply: @escaping @Sendable (Answer) -> Void
  ) {
    let last4 = request.number.last4
    let key = request.idempotency.map { String(decoding: $0.key, as: UTF8.self) }
    let answer: Answer
    var customer: String?
    switch request.details {
    case .success(let details):
      customer = details.customer?.text
      answer = Answer(status: 201, body: Array(#"{"last4":"\#(last4)"}"#.utf8))
    case .failure(let problem): answer = Answer(problem)
    }
    record(.tokenize(last4: last4, customer: customer, key: key), caller) { reply(answer) }
  }

  func renew(
    _ request: RenewalRequest, caller: Caller, reply: @escaping @Sendable (Answer) -> Void
  ) {
    let key = request.idempotency.map { String(decoding: $0.key, as: UTF8.self) }
    let answer: Answer
    switch request.renewal {
    case .success: answer = Answer(status: 200, body: Array(#"{"token":"renewed"}"#.utf8))
    case .failure(let problem): answer = Answer(problem)
    }
    record(.renew(token: request.token?.text, key: key), caller) { reply(answer) }
  }

  func push(_ request: PushRequest, caller: Caller, reply: @escaping @Sendable (Answer) -> Void) {
    let key = String(decoding: request.idempotency.key, as: UTF8.self)
    let answer: Answer
    switch request.payment {
    case .success: answer = Answer(status: 200, body: Array(#"{"outcome":"approved"}"#.utf8))
    case .failure(let problem): answer = Answer(problem)
    }
    let call = Call.push(
      token: request.token?.text, acquirer: try? request.acquirer.get(), key: key)
    record(call, caller) { reply(answer) }
  }

  func pull(
    _ token: Token?, caller: Caller,
    reply: @escaping @Sendable (Result<ReleasedCard, Problem>) -> Void
  ) {
    let answer: Result<ReleasedCard, Problem>
    if token != nil, let card = makeCard() {
      answer = .success(card)
    } else {
      answer = .failure(Problem(.tokenNotFound))
    }
    record(.pull(token: token?.text), caller) { reply(answer) }
  }

  func delete(_ token: Token?, caller: Caller, reply: @escaping @Sendable (Answer) -> Void) {
    let problem = failure ?? (token == nil ? Problem(.tokenNotFound) : nil)
    let answer = problem.map { Answer($0) } ?? Answer(status: 204, body: [])
    record(.delete(token: token?.text), caller) { reply(answer) }
  }

  func refuse(
    _ problem: Problem, operation: Operation?, token: Token?, caller: Caller,
    reply: @escaping @Sendable (Answer) -> Void
  ) {
    record(.refuse(problem.name, operation, token: token?.text), caller) { reply(Answer(problem)) }
  }

  private func makeCard() -> ReleasedCard? {
    guard let slot = pool.lease(), let expiry = try? Expiry(month: 12, year: 2028) else {
      return nil
    }
    var builder = PANBuilder(slot: slot)
    let number = state.withLock { $0.number }
    for index in 0..<16 {
      let digit = number?.digit(index) ?? Self.standardCard[index]
      guard (try? builder.append(digit)) != nil else { return nil }
    }
    guard let pan = try? builder.finish() else { return nil }
    return ReleasedCard(StoredCard(pan: pan, expiry: expiry, preferredBrand: .cb))
  }
}

extension Terms {
  /// A policy, and no acquirers.
  convenience init(_ policy: Policy) { self.init(policy: policy, acquirers: NoAcquirers()) }
}

/// Nothing is sent here.
private struct NoAcquirers: AcquirerTransport {
  func check(_ payment: Payment, acquirer: String) -> Problem? { nil }

  func takePlace(
    at acquirer: String, for merchant: Merchant
  ) throws(Problem) -> any MessagePlace { throw Problem(.overloaded) }
}
