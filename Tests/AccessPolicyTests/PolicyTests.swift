import AccessPolicy
import Testing

@Suite struct PolicyTests {
  static let shops = AuthorityReference(certificatePaths: ["/ca.pem"])
  static let acquirers = AuthorityReference(
    certificatePaths: ["/acquirer-ca.pem"], revocationListPaths: ["/acquirer-ca.crl"])

  let shop = Merchant(
    name: "shop", number: 1, clients: ["spiffe://shop.example/checkout"], authority: shops,
    operations: [.tokenize, .detokenize],
    acquirers: [
      "north": MerchantAcquirer(constants: ["merchant_id": "17"]), "reader": MerchantAcquirer(),
    ],
    quotas: Quotas(tokenizePerMinute: 10))
  let other = Merchant(
    name: "other", number: 2, clients: ["spiffe://other.example/checkout"], authority: shops,
    operations: [.detokenize, .delete])
  let north = Acquirer(
    name: "north", currencies: ["EUR"],
    pull: PullAccess(
      clients: ["spiffe://north.example/authorization"], authority: acquirers,
      quotas: Quotas(detokenizePerMinute: 5)), push: true)
  let reader = Acquirer(
    name: "reader",
    pull: PullAccess(clients: ["spiffe://shop.example/checkout"], authority: acquirers))

  var policy: Policy {
    Policy(generation: 7, merchants: [shop, other], acquirers: [north, reader])
  }

  @Test func `one identity under two authorities gives both candidates`() {
    let candidates = policy.principals(for: "spiffe://shop.example/checkout")
    #expect(candidates.count == 2)
    #expect(
      candidates.contains { $0.principal == .merchant(shop) && $0.authority == Self.shops })
    #expect(
      candidates.contains { $0.principal == .acquirer(reader) && $0.authority == Self.acquirers })
  }

  @Test func `an identity that nobody names gives no candidate`() {
    #expect(policy.principals(for: "spiffe://shop.example/checkout/").isEmpty)
    #expect(policy.principals(for: "").isEmpty)
  }

  @Test func `every authority that has to be loaded is listed once`() {
    #expect(policy.authorities == [Self.shops, Self.acquirers])
  }

  @Test func `a merchant may do what its operations name`() {
    #expect(policy.permits(.tokenize, for: .merchant(shop)))
    #expect(!policy.permits(.delete, for: .merchant(shop)))
    #expect(!policy.permits(.tokenize, for: .merchant(other)))
    #expect(policy.permits(.delete, for: .merchant(other)))
  }

  @Test(arguments: Operation.allCases)
  func `an acquirer may detokenize and nothing else`(_ operation: Operation) {
    #expect(policy.permits(operation, for: .acquirer(north)) == (operation == .detokenize))
  }

  @Test func `a merchant forwards to the acquirers it works with`() {
    let settings = MerchantAcquirer(constants: ["merchant_id": "17"])
    #expect(policy.acquirer(named: "north", for: shop) == .permitted(north, settings))
  }

  @Test(arguments: ["reader", "nobody", ""])
  func `an acquirer without push is refused like one that is not configured`(_ name: String) {
    #expect(policy.acquirer(named: name, for: shop) == .notPermitted)
  }

  @Test func `an acquirer of others is refused like one that is not configured`() {
    #expect(policy.acquirer(named: "north", for: other) == .notPermitted)
  }

  @Test func `an acquirer reads the cards of the merchants that work with it`() {
    #expect(policy.acquirerMayRead(north, merchantNumber: 1))
    #expect(!policy.acquirerMayRead(north, merchantNumber: 2))
    #expect(!policy.acquirerMayRead(north, merchantNumber: 3))
  }

  @Test func `an acquirer without pull reads nothing`() {
    let pushOnly = Acquirer(name: "north", currencies: ["EUR"], push: true)
    let policy = Policy(generation: 8, merchants: [shop], acquirers: [pushOnly])
    #expect(!policy.acquirerMayRead(pushOnly, merchantNumber: 1))
  }

  @Test func `a merchant is found by its number`() {
    #expect(policy.merchant(number: 2) == other)
    #expect(policy.merchant(number: 3) == nil)
  }

  @Test func `a principal's quotas are its own`() {
    #expect(Principal.merchant(shop).quotaPerMinute(.tokenize) == 10)
    #expect(Principal.merchant(shop).quotaPerMinute(.detokenize) == nil)
    #expect(Principal.acquirer(north).quotaPerMinute(.detokenize) == 5)
    #expect(Principal.acquirer(reader).quotaPerMinute(.detokenize) == nil)
  }
}
