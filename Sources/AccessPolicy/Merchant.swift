/// A merchant: whose checkout may do what, with which acquirers, how often.
///
/// An immutable object rather than a structure, since each connection keeps the one that it speaks
/// for, and each request passes it along.
package final class Merchant: Sendable {
  /// The name in the configuration, unique among merchants.
  package let name: String
  /// The number that stands in the records; never changes, never used again. At least 1.
  package let number: UInt32
  /// The `spiffe://` identities that speak for this merchant.
  package let clients: [String]
  /// Who vouches for these identities.
  package let authority: AuthorityReference
  /// What these identities may ask for.
  package let operations: Set<Operation>
  /// The acquirers that the merchant works with, by the acquirer's name.
  package let acquirers: [String: MerchantAcquirer]
  /// The requests allowed in each minute.
  package let quotas: Quotas
  /// Whether the same card gives the same token.
  package let deduplicate: Bool

  /// Makes a merchant.
  /// - Precondition: `number` is not 0, and `quotas` bounds tokenize where that is permitted:
  ///   without it, a client could guess cards through deduplication as fast as it likes.
  package init(
    name: String, number: UInt32, clients: [String], authority: AuthorityReference,
    operations: Set<Operation>, acquirers: [String: MerchantAcquirer] = [:],
    quotas: Quotas = Quotas(), deduplicate: Bool = true
  ) {
    precondition(number != 0, "0 is not a merchant number")
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
  }
}

extension Merchant: Equatable {
  /// Two merchants are equal when every setting is.
  package static func == (one: Merchant, other: Merchant) -> Bool {
    one === other
      || one.name == other.name && one.number == other.number && one.clients == other.clients
        && one.authority == other.authority && one.operations == other.operations
        && one.acquirers == other.acquirers && one.quotas == other.quotas
        && one.deduplicate == other.deduplicate
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
