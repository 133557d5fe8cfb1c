/// An acquirer: to whom cards go, in which currencies, and whether it may read them itself.
///
/// An immutable object, for the reason that ``Merchant`` gives.
package final class Acquirer: Sendable {
  /// The name in the configuration, unique among acquirers.
  package let name: String
  /// The ISO 4217 codes, upper case, that it is configured for.
  package let currencies: Set<String>
  /// How it reads cards itself; nil where it may not.
  package let pull: PullAccess?
  /// Whether payments can be forwarded to it.
  package let push: Bool

  /// Makes an acquirer.
  package init(
    name: String, currencies: Set<String> = [], pull: PullAccess? = nil, push: Bool = false
  ) {
    self.name = name
    self.currencies = currencies
    self.pull = pull
    self.push = push
  }
}

extension Acquirer: Equatable {
  /// Two acquirers are equal when every setting is.
  package static func == (one: Acquirer, other: Acquirer) -> Bool {
    one === other
      || one.name == other.name && one.currencies == other.currencies && one.pull == other.pull
        && one.push == other.push
  }
}

/// Which identities are an acquirer's own, who vouches for them, and how often they may read.
package struct PullAccess: Equatable, Sendable {
  /// The `spiffe://` identities of the acquirer.
  package let clients: [String]
  /// Who vouches for these identities: never a merchant's authority by accident, since a client is
  /// the acquirer only under this one.
  package let authority: AuthorityReference
  /// How often; only the figure for detokenize means anything.
  package let quotas: Quotas

  /// Makes the access of an acquirer's own clients.
  package init(clients: [String], authority: AuthorityReference, quotas: Quotas = Quotas()) {
    self.clients = clients
    self.authority = authority
    self.quotas = quotas
  }
}
