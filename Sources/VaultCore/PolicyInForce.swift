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
  /// That of ``policy``, or the one before for a moment while it is replaced.
  private let generation: Atomic<UInt64>

  init(_ policy: Policy) {
    self.policy = Mutex(policy)
    generation = Atomic(policy.generation)
  }

  /// The policy as it is now.
  var current: Policy { policy.withLock { $0 } }

  /// Puts another policy in force.
  func replace(with new: Policy) {
    policy.withLock { $0 = new }
    generation.store(new.generation, ordering: .releasing)
  }

  /// The policy as it is now, where it is another one than that under which `caller` was admitted:
  /// what was decided then has to be decided again. Costs a comparison where it is not.
  func another(than caller: Caller) -> Policy? {
    generation.load(ordering: .acquiring) == caller.policyGeneration ? nil : current
  }

  /// What stands in the way of `caller`'s operation now that did not when it was admitted; nil
  /// where nothing does.
  func objection(to caller: Caller, asking operation: Operation) -> Problem? {
    guard let policy = another(than: caller),
      policy.current(caller.principal, actor: caller.actor, asking: operation) == nil
    else { return nil }
    return Problem(.operationNotPermitted)
  }
}
