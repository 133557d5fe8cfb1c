import Testing

@testable import AcquirerGateway

@Suite struct MessageSharesTests {
  @Test func `an acquirer has half and a merchant three quarters`() {
    var shares = MessageShares(places: 8)
    for _ in 0..<4 { #expect(shares.take(acquirer: "a", merchant: "shop", isShared: false) == nil) }
    #expect(shares.take(acquirer: "a", merchant: "shop", isShared: false) == .acquirer)
    #expect(shares.take(acquirer: "a", merchant: "other", isShared: false) == .acquirer)
    for _ in 0..<2 { #expect(shares.take(acquirer: "b", merchant: "shop", isShared: false) == nil) }
    #expect(shares.take(acquirer: "b", merchant: "shop", isShared: false) == .merchant)
    for _ in 0..<2 {
      #expect(shares.take(acquirer: "b", merchant: "other", isShared: false) == nil)
    }
    #expect(shares.take(acquirer: "c", merchant: "third", isShared: false) == .all)
    shares.giveBack(acquirer: "a", merchant: "shop")
    #expect(shares.take(acquirer: "b", merchant: "other", isShared: false) == .acquirer)
    #expect(shares.take(acquirer: "c", merchant: "shop", isShared: false) == nil)
    #expect(shares.take(acquirer: "a", merchant: "third", isShared: false) == .all)
  }

  @Test(arguments: [(1, 1, 1), (2, 1, 1), (3, 1, 2), (4, 2, 3), (8, 4, 6), (1_024, 512, 768)])
  func `everybody may have one`(places: Int, ofAcquirer: Int, ofMerchant: Int) {
    func most(_ take: (inout MessageShares, Int) -> MessageShares.Refusal?) -> Int {
      var shares = MessageShares(places: places)
      return (0..<places).first { take(&shares, $0) != nil } ?? places
    }
    #expect(most { $0.take(acquirer: "a", merchant: "\($1)", isShared: false) } == ofAcquirer)
    #expect(most { $0.take(acquirer: "\($1)", merchant: "shop", isShared: false) } == ofMerchant)
    #expect(most { $0.take(acquirer: "\($1)", merchant: "\($1)", isShared: false) } == places)
  }

  @Test func `what is given back is free again, however often`() {
    var shares = MessageShares(places: 2)
    for round in 0..<100 {
      let merchant = "shop-\(round % 3)"
      #expect(shares.take(acquirer: "a", merchant: merchant, isShared: false) == nil)
      #expect(shares.take(acquirer: "a", merchant: "other", isShared: false) == .acquirer)
      shares.giveBack(acquirer: "a", merchant: merchant)
    }
  }

  @Test func `of an acquirer that several use, a merchant leaves a quarter to the others`() {
    var shares = MessageShares(places: 8)
    for _ in 0..<3 {
      #expect(shares.take(acquirer: "a", merchant: "shop", isShared: true) == nil)
    }
    #expect(shares.take(acquirer: "a", merchant: "shop", isShared: true) == .merchantAtAcquirer)
    #expect(shares.take(acquirer: "a", merchant: "other", isShared: true) == nil)
    #expect(shares.take(acquirer: "a", merchant: "other", isShared: true) == .acquirer)
    shares.giveBack(acquirer: "a", merchant: "shop")
    #expect(shares.take(acquirer: "a", merchant: "shop", isShared: true) == nil)
  }
}
