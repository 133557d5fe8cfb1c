import Testing

@testable import AcquirerGateway

@Suite struct MessageSharesTests {
  @Test func `an acquirer has half and a merchant three quarters`() {
    var shares = MessageShares(places: 8)
    for _ in 0..<4 { #expect(shares.take(acquirer: "a", merchant: "shop") == nil) }
    #expect(shares.take(acquirer: "a", merchant: "shop") == .acquirer)
    #expect(shares.take(acquirer: "a", merchant: "other") == .acquirer)
    for _ in 0..<2 { #expect(shares.take(acquirer: "b", merchant: "shop") == nil) }
    #expect(shares.take(acquirer: "b", merchant: "shop") == .merchant)
    for _ in 0..<2 { #expect(shares.take(acquirer: "b", merchant: "other") == nil) }
    #expect(shares.take(acquirer: "c", merchant: "third") == .all)
    shares.giveBack(acquirer: "a", merchant: "shop")
    #expect(shares.take(acquirer: "b", merchant: "other") == .acquirer)
    #expect(shares.take(acquirer: "c", merchant: "shop") == nil)
    #expect(shares.take(acquirer: "a", merchant: "third") == .all)
  }

  @Test(arguments: [(1, 1, 1), (2, 1, 1), (3, 1, 2), (4, 2, 3), (8, 4, 6), (1_024, 512, 768)])
  func `everybody may have one`(places: Int, ofAcquirer: Int, ofMerchant: Int) {
    func most(_ take: (inout MessageShares, Int) -> MessageShares.Refusal?) -> Int {
      var shares = MessageShares(places: places)
      return (0..<places).first { take(&shares, $0) != nil } ?? places
    }
    #expect(most { $0.take(acquirer: "a", merchant: "\($1)") } == ofAcquirer)
    #expect(most { $0.take(acquirer: "\($1)", merchant: "shop") } == ofMerchant)
    #expect(most { $0.take(acquirer: "\($1)", merchant: "\($1)") } == places)
  }

  @Test func `what is given back is free again, however often`() {
    var shares = MessageShares(places: 2)
    for round in 0..<100 {
      let merchant = "shop-\(round % 3)"
      #expect(shares.take(acquirer: "a", merchant: merchant) == nil)
      #expect(shares.take(acquirer: "a", merchant: "other") == .acquirer)
      shares.giveBack(acquirer: "a", merchant: merchant)
    }
  }
}
