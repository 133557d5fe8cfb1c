package import AccessPolicy
package import Cards
import Synchronization
package import VaultCore

/// One generation of what a reload replaces, as one immutable object: who may do what, which card is of
/// which brand, and the way to acquirers with the templates and credentials that belong to it.
///
/// A request takes its merchant, acquirer, currency, template and credentials from one of these; and the
/// brands of its card from those under which it was admitted.
package final class Terms: Sendable {
  package let policy: Policy
  package let acquirers: any AcquirerTransport
  /// The ranges that tell a card's brands.
  package let brands: BrandTable

  package init(
    policy: Policy, acquirers: any AcquirerTransport, brands: BrandTable = .standard
  ) {
    self.policy = policy
    self.acquirers = acquirers
    self.brands = brands
  }
}

/// The terms in force, which a reload replaces while requests wait for the writer.
///
/// What the server decided about a client it decided when the request was handed on. It is decided
/// again when the writer has come to it, so that nothing is done that the policy of that moment does
/// not permit: the queue may be long, and the reload may have been made because of this client.
package final class TermsInForce: Sendable {
  private let terms: Mutex<Terms>
  /// That of ``terms``, or the one before for a moment while they are replaced.
  private let generation: Atomic<UInt64>

  init(_ terms: Terms) {
    self.terms = Mutex(terms)
    generation = Atomic(terms.policy.generation)
  }

  /// The terms of now.
  package var current: Terms { terms.withLock { $0 } }

  /// Puts other terms in force.
  package func replace(with new: Terms) {
    terms.withLock { $0 = new }
    generation.store(new.policy.generation, ordering: .releasing)
  }

  /// The terms of now, where they are others than those under which `caller` was admitted: what was
  /// decided then has to be decided again. Costs a comparison where they are not.
  private func others(than caller: Caller) -> Terms? {
    generation.load(ordering: .acquiring) == caller.terms.policy.generation ? nil : current
  }

  /// `caller` under the terms of now.
  ///
  /// - Throws: ``VaultError/refused(_:reason:)`` where it may not ask for `operation` any more.
  package func caller(
    _ caller: Caller, asking operation: Operation
  ) throws(VaultError) -> Caller {
    guard let terms = others(than: caller) else { return caller }
    let principal = terms.policy.current(
      caller.principal, actor: caller.actor, asking: operation)
    guard let principal else { throw .refused(Problem(.operationNotPermitted)) }
    return Caller(
      actor: caller.actor, origin: caller.origin, principal: principal,
      requestIdentifier: caller.requestIdentifier,
      terms: terms)
  }
}

/// Who asks, as the edge proved it from the certificate. Immutable, and one for each request: it goes from
/// the loop to the writer and back, and is kept by all that happens in between.
package final class Caller: Sendable {
  /// The client's SPIFFE URI.
  package let actor: String
  /// Where its connection comes from: `ADDRESS:PORT`.
  package let origin: String?
  package let principal: Principal
  /// What `X-Request-Id` says.
  package let requestIdentifier: String
  /// Those under which it was admitted.
  package let terms: Terms

  package init(
    actor: String, origin: String? = nil, principal: Principal, requestIdentifier: String,
    terms: Terms
  ) {
    self.actor = actor
    self.origin = origin
    self.principal = principal
    self.requestIdentifier = requestIdentifier
    self.terms = terms
  }
}
