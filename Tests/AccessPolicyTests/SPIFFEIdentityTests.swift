import AccessPolicy
import Testing

@Suite struct SPIFFEIdentityTests {
  @Test(arguments: [
    "spiffe://shop.example/checkout", "spiffe://a/b", "spiffe://shop_1.example-x/A/b.c/d_e-f/..g",
    "spiffe://127.0.0.1/x",
  ])
  func `an identity of the form is accepted`(_ uri: String) {
    #expect(SPIFFEIdentity.mistake(in: uri) == nil)
  }

  @Test(arguments: [
    "", "spiffe:", "spiffe://", "SPIFFE://shop.example/checkout", "https://shop.example/checkout",
    "spiffe:///checkout", "spiffe://shop.example", "spiffe://shop.example/",
    "spiffe://shop.example/checkout/", "spiffe://shop.example//checkout",
    "spiffe://shop.example/./checkout", "spiffe://shop.example/../checkout",
    "spiffe://Shop.example/checkout", "spiffe://shop.example:8443/checkout",
    "spiffe://user@shop.example/checkout", "spiffe://shop.example/check%6Fut",
    "spiffe://shop.example/checkout?x", "spiffe://shop.example/checkout#x",
    "spiffe://shop.example/check out", "spiffe://shop.example/café",
    "spiffe://shop.example/checkout\0", " spiffe://shop.example/checkout",
  ])
  func `anything else is not`(_ uri: String) {
    #expect(SPIFFEIdentity.mistake(in: uri) != nil)
  }

  @Test func `length is bounded`() {
    let path = String(repeating: "p", count: SPIFFEIdentity.maximumBytes - 11)
    #expect(SPIFFEIdentity.mistake(in: "spiffe://a/" + path) == nil)
    #expect(SPIFFEIdentity.mistake(in: "spiffe://a/p" + path) != nil)
    let domain = String(repeating: "d", count: SPIFFEIdentity.maximumTrustDomainBytes)
    #expect(SPIFFEIdentity.mistake(in: "spiffe://\(domain)/p") == nil)
    #expect(SPIFFEIdentity.mistake(in: "spiffe://d\(domain)/p") != nil)
  }
}
