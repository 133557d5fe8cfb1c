import Testing

@testable import PaymentPage

@Suite struct ConnectionShareTests {
  @Test func oneAddressHasItsShareAndAnotherHasItsOwn() throws {
    let shares = AddressShares(most: 2, exempt: [])
    let (one, other) = (
      try #require(PeerAddress("192.0.2.1")), try #require(PeerAddress("192.0.2.2"))
    )
    #expect(shares.enter(one) && shares.enter(one) && !shares.enter(one))
    #expect(shares.enter(other))
    shares.leave(one)
    #expect(shares.enter(one) && !shares.enter(one))
  }

  @Test func aNetworkOfOneCustomerIsOneAddressAndAProxyIsEverybody() throws {
    let proxy = try #require(PeerAddress("::ffff:10.0.0.1"))
    let shares = AddressShares(most: 1, exempt: [try #require(PeerAddress("10.0.0.1"))])
    #expect(shares.enter(try #require(PeerAddress("2001:db8::1"))))
    #expect(!shares.enter(try #require(PeerAddress("2001:db8::ffff:2"))))
    #expect(shares.enter(try #require(PeerAddress("2001:db8:0:1::1"))))
    for _ in 0..<5 { #expect(shares.enter(proxy)) }
    for _ in 0..<6 { shares.leave(proxy) }
  }
}
