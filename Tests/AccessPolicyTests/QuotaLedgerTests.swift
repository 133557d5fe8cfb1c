import AccessPolicy
import Testing

@Suite struct QuotaLedgerTests {
  let second: UInt64 = 1_000_000_000
  let ledger = QuotaLedger()
  let actor = "spiffe://shop.example/checkout"

  private func shop(perMinute: Int?, delete: Int? = nil, name: String = "shop") -> Principal {
    .merchant(
      Merchant(
        name: name, number: 1, clients: [],
        authority: AuthorityReference(certificatePaths: ["/ca"]),
        operations: [.detokenize, .delete],
        quotas: Quotas(detokenizePerMinute: perMinute, deletePerMinute: delete)))
  }

  private func granted(_ asked: Int, _ principal: Principal, now: UInt64) -> Int {
    (0..<asked).count { _ in
      ledger.take(.detokenize, for: principal, actor: actor, now: now) == .granted
    }
  }

  @Test func `a minute's quota is granted at once and then no more`() {
    #expect(granted(100, shop(perMinute: 60), now: second) == 60)
    #expect(
      ledger.take(.detokenize, for: shop(perMinute: 60), actor: actor, now: second)
        == .exceeded(retryAfterSeconds: 1))
  }

  @Test func `deleting has the quota of tokenizing where it has none of its own`() {
    #expect(Quotas(tokenizePerMinute: 7).perMinute(.delete) == 7)
    #expect(Quotas(tokenizePerMinute: 7, deletePerMinute: 3).perMinute(.delete) == 3)
    #expect(Quotas(detokenizePerMinute: 7).perMinute(.delete) == nil)
    let shop = Principal.merchant(
      Merchant(
        name: "shop", number: 1, clients: [],
        authority: AuthorityReference(certificatePaths: ["/ca"]), operations: [.tokenize, .delete],
        quotas: Quotas(tokenizePerMinute: 2)))
    let decisions = (0..<3).map { _ in ledger.take(.delete, for: shop, actor: actor, now: second) }
    #expect(decisions == [.granted, .granted, .exceeded(retryAfterSeconds: 30)])
    // A bucket of its own: what is deleted is not taken from what may be tokenized.
    #expect(ledger.take(.tokenize, for: shop, actor: actor, now: second) == .granted)
  }

  @Test func `a bucket refills continuously`() {
    #expect(granted(60, shop(perMinute: 60), now: 0) == 60)
    #expect(granted(60, shop(perMinute: 60), now: second - 1) == 0)
    #expect(granted(60, shop(perMinute: 60), now: second) == 1)
    #expect(granted(60, shop(perMinute: 60), now: 11 * second) == 10)
  }

  @Test func `a bucket never holds more than a minute's quota`() {
    #expect(granted(60, shop(perMinute: 60), now: 0) == 60)
    #expect(granted(100, shop(perMinute: 60), now: 3_600 * second) == 60)
    #expect(granted(100, shop(perMinute: 60), now: .max) == 60)
  }

  @Test func `the wait is long enough, in whole seconds, and at most a minute`() {
    #expect(granted(1, shop(perMinute: 1), now: 0) == 1)
    #expect(
      ledger.take(.detokenize, for: shop(perMinute: 1), actor: actor, now: 0)
        == .exceeded(retryAfterSeconds: 60))
    #expect(
      ledger.take(.detokenize, for: shop(perMinute: 1), actor: actor, now: second / 2)
        == .exceeded(retryAfterSeconds: 60))
    #expect(
      ledger.take(.detokenize, for: shop(perMinute: 1), actor: actor, now: 59 * second + 1)
        == .exceeded(retryAfterSeconds: 1))
    #expect(granted(2, shop(perMinute: 1), now: 60 * second) == 1)
  }

  @Test func `no quota is no bound`() {
    #expect(granted(1_000, shop(perMinute: nil), now: 0) == 1_000)
  }

  @Test func `the largest quota counts without overflow`() {
    let principal = shop(perMinute: Quotas.allowedPerMinute.upperBound)
    #expect(granted(1_000, principal, now: 0) == 1_000)
    #expect(granted(1_000, principal, now: .max) == 1_000)
  }

  @Test func `operations are counted apart`() {
    let principal = shop(perMinute: 1, delete: 1)
    #expect(ledger.take(.detokenize, for: principal, actor: actor, now: 0) == .granted)
    #expect(ledger.take(.delete, for: principal, actor: actor, now: 0) == .granted)
  }

  @Test func `principals are counted apart, also a merchant and an acquirer of one name`() {
    let pull = PullAccess(
      clients: [], authority: AuthorityReference(certificatePaths: ["/ca"]),
      quotas: Quotas(detokenizePerMinute: 1))
    #expect(granted(2, shop(perMinute: 1), now: 0) == 1)
    #expect(granted(2, shop(perMinute: 1, name: "other"), now: 0) == 1)
    #expect(granted(2, .acquirer(Acquirer(name: "shop", pull: pull)), now: 0) == 1)
  }

  @Test func `a reload with the same quota refills nothing`() {
    #expect(granted(60, shop(perMinute: 60), now: 0) == 60)
    #expect(granted(1, shop(perMinute: 60), now: 0) == 0)
  }

  @Test func `a higher quota takes effect at once as a higher rate, without a gift`() {
    #expect(granted(60, shop(perMinute: 60), now: 0) == 60)
    #expect(granted(1, shop(perMinute: 6_000), now: 0) == 0)
    #expect(granted(1_000, shop(perMinute: 6_000), now: second) == 100)
  }

  @Test func `a lower quota cuts what a bucket holds at once`() {
    #expect(granted(1, shop(perMinute: 6_000), now: 0) == 1)
    #expect(granted(100, shop(perMinute: 10), now: 0) == 10)
  }

  @Test func `a quota that is lifted and put back refills by time only`() {
    #expect(granted(60, shop(perMinute: 60), now: 0) == 60)
    #expect(granted(10, shop(perMinute: nil), now: second) == 10)
    #expect(granted(60, shop(perMinute: 60), now: 2 * second) == 2)
  }

  @Test func `a clock that steps back refills nothing`() {
    #expect(granted(60, shop(perMinute: 60), now: 10 * second) == 60)
    #expect(granted(1, shop(perMinute: 60), now: 9 * second) == 0)
    #expect(granted(2, shop(perMinute: 60), now: 11 * second) == 1)
  }

  @Test func `concurrent takers share one bucket`() async {
    let principal = shop(perMinute: 100)
    let total = await withTaskGroup(of: Int.self) { group in
      for _ in 0..<8 {
        group.addTask {
          (0..<50).count { _ in
            ledger.take(.detokenize, for: principal, actor: actor, now: 0) == .granted
          }
        }
      }
      return await group.reduce(0, +)
    }
    #expect(total == 100)
  }

  // MARK: - Clients with quotas of their own

  private let page = "spiffe://shop.example/page"
  private let office = "spiffe://shop.example/office"

  private func divided(perMinute: Int?, page own: Int?) -> Principal {
    .merchant(
      Merchant(
        name: "shop", number: 1,
        clients: [
          MerchantClient(
            id: page, operations: [.detokenize], quotas: Quotas(detokenizePerMinute: own)),
          MerchantClient(id: office, operations: [.delete]), MerchantClient(id: actor),
        ],
        authority: AuthorityReference(certificatePaths: ["/ca"]),
        operations: [.detokenize, .delete], quotas: Quotas(detokenizePerMinute: perMinute)))
  }

  private func granted(_ asked: Int, _ principal: Principal, as actor: String) -> Int {
    (0..<asked).count { _ in
      ledger.take(.detokenize, for: principal, actor: actor, now: second) == .granted
    }
  }

  @Test func `a client's own quota bounds it, and the merchant's bounds all`() {
    let shop = divided(perMinute: 10, page: 4)
    #expect(granted(9, shop, as: page) == 4)
    // What was refused has taken nothing from the others.
    #expect(granted(9, shop, as: actor) == 6)
    #expect(granted(1, shop, as: page) == 0)
  }

  @Test func `what the merchant's quota refuses takes nothing from the client's`() {
    let shop = divided(perMinute: 2, page: 4)
    #expect(granted(2, shop, as: actor) == 2)
    #expect(granted(100, shop, as: page) == 0)
    // The merchant's is larger after a reload, and has what thirty seconds put into it.
    let larger = divided(perMinute: 100, page: 4)
    let decisions = (0..<9).map { _ in
      ledger.take(.detokenize, for: larger, actor: page, now: 31 * second)
    }
    #expect(decisions.count { $0 == .granted } == 4)
  }

  @Test func `the longer wait is told`() {
    let shop = divided(perMinute: 60, page: 1)
    #expect(granted(1, shop, as: page) == 1)
    #expect(
      ledger.take(.detokenize, for: shop, actor: page, now: second)
        == .exceeded(retryAfterSeconds: 60))
    #expect(granted(100, shop, as: actor) == 59)
    #expect(
      ledger.take(.detokenize, for: shop, actor: page, now: second)
        == .exceeded(retryAfterSeconds: 60))
  }

  @Test func `a client's quota counts where the merchant has none`() {
    let shop = divided(perMinute: nil, page: 3)
    #expect(granted(9, shop, as: page) == 3)
    #expect(granted(9, shop, as: actor) == 9)
  }

  @Test func `a client without the right is bounded, and takes nothing from those who have it`() {
    let shop = divided(perMinute: 5, page: nil)
    #expect(granted(100, shop, as: office) == 5)
    #expect(granted(9, shop, as: page) == 5)
  }
}
