import AccessPolicy
import Cards
import Synchronization

/// The policy in force, which a reload replaces while jobs wait for the writer.
///
/// What the server decided about a client it decided when the request was handed on. A job asks
/// again when the writer has come to it, so that nothing is done that the policy of that moment does
/// not permit: the queue may be long, and the reload may have been made because of this client.
final class PolicyInForce: Sendable {
  private let policy: Mutex<Policy>

  init(_ policy: Policy) { self.policy = Mutex(policy) }

  /// The policy as it is now.
  var current: Policy { policy.withLock { $0 } }

  /// Puts another policy in force.
  func replace(with new: Policy) {
    policy.withLock { $0 = new }
  }

  /// What stands in the way of `caller`'s operation now that did not when it was admitted; nil
  /// where nothing does. Costs a comparison unless there was a reload meanwhile.
  func objection(to caller: Caller, asking operation: Operation) -> Problem? {
    policy.withLock { policy in
      guard let admittedUnder = caller.policyGeneration, policy.generation > admittedUnder,
        policy.current(caller.principal, actor: caller.actor, asking: operation) == nil
      else { return nil }
      return Problem(.operationNotPermitted)
    }
  }
}
