/// A merchant: whose checkout may do what, with which acquirers, how often.
///
/// An immutable object rather than a structure, since each connection keeps the one that it speaks
/// for, and each request passes it along.
package final class Merchant: Sendable {
  /// The name in the configuration, unique among merchants.
  package let name: String
  /// The number that stands in the records; never changes, never used again. At least 1.
  package let number: UInt32
  /// The identities that speak for this merchant, each once.
  package let clients: [MerchantClient]
  /// Who vouches for these identities.
  package let authority: AuthorityReference
  /// What these identities may ask for at most.
  package let operations: Set<Operation>
  /// The acquirers that the merchant works with, by the acquirer's name.
  package let acquirers: [String: MerchantAcquirer]
  /// The requests allowed in each minute.
  package let quotas: Quotas
  /// Whether the same card gives the same token.
  package let deduplicate: Bool
  /// How many first digits of a number the token's view shows: 6, or 8 from 16 digits on.
  package let binDigits: Int
  /// Those of ``clients`` that may not do all that the merchant may, or have quotas of their own.
  private let restricted: [String: MerchantClient]

  /// Makes a merchant.
  /// - Precondition: `number` is not 0, `binDigits` is 6 or 8, no client may more than the merchant, and
  ///   `quotas` bounds tokenize where that is permitted: without it, a client could guess cards through
  ///   deduplication as fast as it likes.
  package init(
    name: String, number: UInt32, clients: [MerchantClient], authority: AuthorityReference,
    operations: Set<Operation>, acquirers: [String: MerchantAcquirer] = [:],
    quotas: Quotas = Quotas(), deduplicate: Bool = true, binDigits: Int = 6
  ) {
    precondition(number != 0, "0 is not a merchant number")
    precondition(binDigits == 6 || binDigits == 8, "a BIN has six or eight digits")
    precondition(
      clients.allSatisfy { $0.operations?.isSubset(of: operations) ?? true },
      "a client may at most what its merchant may")
    precondition(
      !operations.contains(.tokenize) || quotas.tokenizePerMinute != nil,
      "a merchant that may tokenize has a tokenize quota")
    self.name = name
    self.number = number
    self.clients = clients
    self.authority = authority
    self.operations = operations
    self.acquirers = acquirers
    self.quotas = quotas
    self.deduplicate = deduplicate
    self.binDigits = binDigits
    restricted = Dictionary(
      uniqueKeysWithValues: clients.filter { !$0.isUnrestricted }.map { ($0.id, $0) })
  }

  /// The client with this identity, if it may less than the merchant, or has quotas of its own.
  package func restriction(of actor: String) -> MerchantClient? {
    restricted.isEmpty ? nil : restricted[actor]
  }

  /// Whether the client with this identity may ask for `operation`.
  package func permits(_ operation: Operation, to actor: String) -> Bool {
    operations.contains(operation)
      && restriction(of: actor)?.operations?.contains(operation) ?? true
  }
}

extension Merchant: Equatable {
  /// Two merchants are equal when every setting is.
  package static func == (one: Merchant, other: Merchant) -> Bool {
    one === other
      || one.name == other.name && one.number == other.number && one.clients == other.clients
        && one.authority == other.authority && one.operations == other.operations
        && one.acquirers == other.acquirers && one.quotas == other.quotas
        && one.deduplicate == other.deduplicate && one.binDigits == other.binDigits
  }
}

/// What a merchant brings to its acquirer: its constants, and how it authenticates there.
package struct MerchantAcquirer: Equatable, Sendable {
  /// The values of the template's constants; no request overrides them.
  package let constants: [String: String]
  /// The merchant's user and password at the acquirer, for HTTP Basic.
  package let basic: BasicCredentials?
  /// The absolute path of a file that holds the merchant's bearer token.
  package let bearerFile: String?

  /// Makes the settings of one merchant at one acquirer.
  package init(
    constants: [String: String] = [:], basic: BasicCredentials? = nil, bearerFile: String? = nil
  ) {
    self.constants = constants
    self.basic = basic
    self.bearerFile = bearerFile
  }
}

/// Credentials for HTTP Basic. The password stays in its file until it is sent.
package struct BasicCredentials: Equatable, Sendable {
  /// The user's name, in clear.
  package let user: String
  /// The absolute path of the file that holds the password.
  package let passwordFile: String

  /// Names a user and the file of its password.
  package init(user: String, passwordFile: String) {
    self.user = user
    self.passwordFile = passwordFile
  }
}
