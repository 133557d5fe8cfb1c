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
    #expect(policy.permits(.tokenize, for: .merchant(shop), actor: shop.clients[0].id))
    #expect(!policy.permits(.delete, for: .merchant(shop), actor: shop.clients[0].id))
    #expect(!policy.permits(.tokenize, for: .merchant(other), actor: other.clients[0].id))
    #expect(policy.permits(.delete, for: .merchant(other), actor: other.clients[0].id))
  }

  @Test(arguments: Operation.allCases)
  func `an acquirer may detokenize and nothing else`(_ operation: Operation) {
    #expect(
      policy.permits(
        operation, for: .acquirer(north), actor: "spiffe://north.example/authorization")
        == (operation == .detokenize))
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

  // MARK: - Rights by client

  private static let page = "spiffe://shop.example/page"
  private static let office = "spiffe://shop.example/office"
  private static let desk = "spiffe://shop.example/desk"

  private func divided(
    page: Set<Operation>? = nil, generation: UInt64 = 9
  ) -> Policy {
    let shop = Merchant(
      name: "shop", number: 1,
      clients: [
        MerchantClient(id: Self.page, operations: page),
        MerchantClient(id: Self.office, operations: [.detokenize]),
        MerchantClient(id: Self.desk, operations: [.delete], quotas: Quotas(deletePerMinute: 5)),
      ],
      authority: Self.shops, operations: [.tokenize, .detokenize, .delete],
      quotas: Quotas(tokenizePerMinute: 10))
    return Policy(generation: generation, merchants: [shop], acquirers: [])
  }

  @Test(arguments: [
    (page, [Operation.tokenize, .detokenize, .delete]), (office, [.detokenize]), (desk, [.delete]),
  ])
  func `a client may what its own operations name`(actor: String, operations: [Operation]) throws {
    let policy = divided()
    let shop = try #require(policy.merchants["shop"])
    for operation in Operation.allCases {
      #expect(
        policy.permits(operation, for: .merchant(shop), actor: actor)
          == operations.contains(operation))
    }
  }

  @Test func `what a client has lost is not permitted to what was admitted before`() throws {
    let before = Principal.merchant(try #require(divided().merchants["shop"]))
    let policy = divided(page: [.tokenize], generation: 10)
    let new = Principal.merchant(try #require(policy.merchants["shop"]))
    #expect(policy.current(before, actor: Self.page, asking: .tokenize) == new)
    #expect(policy.current(before, actor: Self.page, asking: .delete) == nil)
    #expect(policy.current(before, actor: Self.office, asking: .detokenize) == new)
    #expect(policy.current(before, actor: "spiffe://shop.example/checkout", asking: .delete) == nil)
    #expect(before != new, "so that connections decide again")
  }

  @Test func `only clients with less than all are looked up`() throws {
    let shop = try #require(divided().merchants["shop"])
    #expect(shop.restriction(of: Self.page) == nil)
    #expect(shop.restriction(of: Self.office)?.operations == [.detokenize])
    #expect(shop.restriction(of: "spiffe://nobody.example/a") == nil)
  }
}
