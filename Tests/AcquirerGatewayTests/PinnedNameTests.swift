import Testing

@testable import AcquirerGateway

@Suite struct PinnedNameTests {
  @Test(arguments: [
    ("bank.example", "bank.example", true), ("bank.example", "BANK.example", true),
    ("pay.bank.example", "*.bank.example", true), ("bank.example", "*.bank.example", false),
    ("a.pay.bank.example", "*.bank.example", false), ("pay.bank.example", "*.example", false),
    ("bank.example", "*.example", false), ("bank.example", "*", false),
    ("bank.example", "b*.example", false), ("bank.example", "bank.example.", false),
    (".bank.example", "*.bank.example", false), ("bank.example", "", false),
  ])
  func `a name is carried whole or by a wildcard for its first label`(
    name: String, pattern: String, isCarried: Bool
  ) {
    #expect(AcquirerEndpoint.matches(name, pattern: pattern) == isCarried)
  }
}
