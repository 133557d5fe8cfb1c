import Testing

@testable import PaymentPage

@Suite struct PeerAddressTests {
  @Test(arguments: [
    ("192.0.2.1", "192.0.2.1"), (" 192.0.2.1:40001", "192.0.2.1"),
    ("::ffff:192.0.2.1", "192.0.2.1"),
    ("[2001:db8::1]:443", "2001:db8::1"), ("2001:DB8:0::1", "2001:db8::1"),
    ("fe80::1%eth0", "fe80::1"),
  ]) func oneAddressHowEverItIsWritten(_ written: String, _ text: String) throws {
    #expect(PeerAddress(written)?.text == text)
  }

  @Test(arguments: ["", "unknown", "_hidden", "192.0.2", "1:2:3", "192.0.2.1, 192.0.2.2"])
  func whatIsNone(_ text: String) { #expect(PeerAddress(text) == nil) }

  @Test func aNetworkOfSixIsOne() {
    #expect(PeerAddress("2001:db8::1")?.network == PeerAddress("2001:db8::ffff:2")?.network)
    #expect(PeerAddress("2001:db8::1")?.network != PeerAddress("2001:db8:0:1::1")?.network)
    #expect(PeerAddress("192.0.2.1")?.network != PeerAddress("192.0.2.2")?.network)
  }
}
