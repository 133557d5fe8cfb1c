import AccessPolicy
import Bytes
import Cards
import Cryptography
import Tokenization
import VaultCore

@testable import VaultServer

/// 2026-11-23T18:43:25Z.
let testTime: Int64 = 1_795_459_405

extension [UInt8] {
  /// The bytes, lent to `body`.
  func withSpan<Result, Failure: Error>(
    _ body: (RawSpan) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try body(unsafe span.bytes)
  }
}

extension String {
  /// The UTF-8 bytes, lent to `body`.
  func withSpan<Result, Failure: Error>(
    _ body: (RawSpan) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try Array(utf8).withSpan(body)
  }
}

extension TrustSnapshot {
  /// Decides who the holder of `chain` is.
  func decide(_ chain: ClientChain, at unixSeconds: Int64) -> Decision {
    decide(chain.leaf, authorities.all.paths(of: chain), at: unixSeconds)
  }
}

let testToken = "tok_01kax3zv5ye8bvkp2mszn9fqxw"

let shopAuthority = AuthorityReference(
  certificatePaths: ["/shop-ca.pem"], revocationListPaths: ["/shop-ca.crl"])
let acquirerAuthority = AuthorityReference(certificatePaths: ["/acquirer-ca.pem"])

let rootAuthority = AuthorityReference(certificatePaths: ["/root-ca.pem"])
let strangerAuthority = AuthorityReference(certificatePaths: ["/stranger-ca.pem"])
let issuingAuthority = AuthorityReference(certificatePaths: ["/issuing-ca.pem"])

let shopURI = "spiffe://shop.example/checkout"
let acquirerURI = "spiffe://bank.example/authorization"

/// A merchant called `shop` with everything permitted, unless told otherwise.
func makeShop(
  operations: Set<Operation> = Set(Operation.allCases), tokenizePerMinute: Int = 1_000_000
) -> Merchant {
  Merchant(
    name: "shop", number: 1,
    clients: [
      MerchantClient(id: shopURI), "spiffe://shop.example/revoked", "spiffe://shop.example/usage",
    ],
    authority: shopAuthority, operations: operations,
    acquirers: ["credit-du-nord": MerchantAcquirer()],
    quotas: Quotas(tokenizePerMinute: tokenizePerMinute))
}

/// An acquirer that may pull.
let testAcquirer = Acquirer(
  name: "credit-du-nord", currencies: ["EUR"],
  pull: PullAccess(clients: [acquirerURI], authority: acquirerAuthority), push: true)

/// Another merchant, whose only client is `uri`.
func makeMerchant(
  _ name: String, _ number: UInt32, _ uri: String, _ authority: AuthorityReference
) -> Merchant {
  Merchant(
    name: name, number: number, clients: [MerchantClient(id: uri)], authority: authority,
    operations: [.tokenize],
    quotas: Quotas(tokenizePerMinute: 1_000_000))
}

let tierURI = "spiffe://tier.example/checkout"

/// One shop and one acquirer, and others where they are given.
func makePolicy(
  generation: UInt64 = 1, shop: Merchant = makeShop(), others: [Merchant] = [],
  acquirers: [Acquirer] = [testAcquirer]
) -> Policy {
  Policy(generation: generation, merchants: [shop] + others, acquirers: acquirers)
}
