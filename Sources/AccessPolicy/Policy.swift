/// Who may do what: one generation of the configuration's merchants and acquirers.
///
/// A value that is checked before it is made, and replaced whole by a reload. Every decision here
/// is a pure function of the policy and what was asked.
package struct Policy: Sendable {
  /// Grows with every reload; a connection whose identity was decided under another generation
  /// decides it again.
  package let generation: UInt64
  /// The merchants by name.
  package let merchants: [String: Merchant]
  /// The acquirers by name.
  package let acquirers: [String: Acquirer]

  private let candidatesByURI: [String: [Candidate]]
  private let merchantsByNumber: [UInt32: Merchant]

  /// A principal that names an identity, and the authorities under which the identity is its own.
  package struct Candidate: Equatable, Sendable {
    /// Who the client is if one of `authority` vouches for its certificate.
    package let principal: Principal
    /// Who has to vouch for it.
    package let authority: AuthorityReference
  }

  /// Makes a policy.
  ///
  /// - Precondition: names and merchant numbers are unique, and no identity belongs to two
  ///   principals under one authority. `Configuration` reports these as mistakes with their lines.
  package init(generation: UInt64, merchants: [Merchant], acquirers: [Acquirer]) {
    self.generation = generation
    self.merchants = Dictionary(uniqueKeysWithValues: merchants.map { ($0.name, $0) })
    self.acquirers = Dictionary(uniqueKeysWithValues: acquirers.map { ($0.name, $0) })
    merchantsByNumber = Dictionary(uniqueKeysWithValues: merchants.map { ($0.number, $0) })

    var candidates: [String: [Candidate]] = [:]
    func add(_ principal: Principal, _ uris: [String], _ authority: AuthorityReference) {
      for uri in uris {
        precondition(
          !candidates[uri, default: []].contains { $0.authority.overlaps(authority) },
          "an identity belongs to two principals under one authority")
        candidates[uri, default: []].append(Candidate(principal: principal, authority: authority))
      }
    }
    for merchant in merchants {
      add(.merchant(merchant), merchant.clients.map(\.id), merchant.authority)
    }
    for acquirer in acquirers {
      if let pull = acquirer.pull {
        add(.acquirer(acquirer), pull.clients, pull.authority)
      }
    }
    candidatesByURI = candidates
  }

  /// Everybody whom this identity could be, in no particular order.
  ///
  /// The client is the one whose authority issued its certificate; none if no authority did.
  package func principals(for uri: String) -> [Candidate] {
    candidatesByURI[uri] ?? []
  }

  /// Every authority that some principal names: what the server has to load, and all that it needs.
  package var authorities: Set<AuthorityReference> {
    Set(merchants.values.map(\.authority) + acquirers.values.compactMap { $0.pull?.authority })
  }

  /// The merchant of a record; nil if no merchant has this number any more.
  package func merchant(number: UInt32) -> Merchant? {
    merchantsByNumber[number]
  }

  /// Whether a principal's client may ask for an operation at all.
  ///
  /// A merchant's clients may what the merchant's `operations` name, and of these what their own name
  /// where they have some. An acquirer's clients may detokenize and nothing else.
  /// - Parameter actor: the client's identity.
  package func permits(
    _ operation: Operation, for principal: Principal, actor: String
  ) -> Bool {
    switch principal {
    case .merchant(let merchant): merchant.permits(operation, to: actor)
    case .acquirer: operation == .detokenize
    }
  }

  /// Who `principal` is under this policy, if `actor` still is its client and may still ask for
  /// `operation`; nil otherwise.
  ///
  /// For what was admitted under an earlier policy. The principal is found by its name, and a
  /// merchant has to have kept its number, since that is whose cards these are.
  package func current(
    _ principal: Principal, actor: String, asking operation: Operation
  ) -> Principal? {
    let found: Principal
    switch principal {
    case .merchant(let old):
      guard let new = merchants[old.name], new.number == old.number,
        new.clients.contains(where: { $0.id == actor })
      else { return nil }
      found = .merchant(new)
    case .acquirer(let old):
      guard let new = acquirers[old.name], new.pull?.clients.contains(actor) == true
      else { return nil }
      found = .acquirer(new)
    }
    return permits(operation, for: found, actor: actor) ? found : nil
  }

  /// What a merchant's request that names an acquirer may expect.
  package enum AcquirerDecision: Equatable, Sendable {
    /// The merchant works with it, and it takes forwarded payments.
    case permitted(Acquirer, MerchantAcquirer)
    /// It is not configured, not for this merchant, or takes no forwarded payments: one answer for
    /// all three, so that a merchant cannot learn which acquirers others use.
    case notPermitted
  }

  /// Decides whether `merchant` may forward a payment to the acquirer called `name`.
  package func acquirer(named name: String, for merchant: Merchant) -> AcquirerDecision {
    guard let settings = merchant.acquirers[name], let acquirer = acquirers[name], acquirer.push
    else { return .notPermitted }
    return .permitted(acquirer, settings)
  }

  /// Whether an acquirer's own client may read a card of the merchant with this number: the
  /// merchant is configured, and works with that acquirer.
  package func acquirerMayRead(_ acquirer: Acquirer, merchantNumber: UInt32) -> Bool {
    guard acquirer.pull != nil, let merchant = merchantsByNumber[merchantNumber] else {
      return false
    }
    return merchant.acquirers[acquirer.name] != nil
  }
}
