import AuditLog
import Cards
import Ledgers
import Testing
import VaultCore
import VaultManagement

@testable import Administration

@Suite("Requests about honeytokens")
struct HoneytokenRequestTests {
  static func examples() throws -> [any AdminOperation] {
    [
      ListHoneytokens(), AddHoneytoken(merchant: "shop", note: .none),
      AddHoneytoken(
        merchant: "shop.example",
        note: FreeText("é &=?%+# \"\\", longest: Honeytoken.longestNote) ?? .none),
      AddHoneytoken(merchant: "shop", note: .none, because: AdminRegistryTests.reason),
      RemoveHoneytoken(try #require(Token("tok_01kax3zv5ye8bvkp2mszn9fqxw"))),
      RemoveHoneytoken(
        try #require(Token("tok_01kax3zv5ye8bvkp2mszn9fqxw")), because: AdminRegistryTests.reason),
    ]
  }

  @Test("are read as they were written")
  func roundTrip() throws {
    for operation in try Self.examples() {
      try operation.checkRoundTrip()
      #expect(!operation.route.path.contains("tok_"), "the path is logged")
    }
  }

  @Test("are refused when their values have no valid form")
  func malformed() {
    for target in [
      "honeytokens", "honeytokens?note=n", "honeytokens?merchant=a&merchant=b",
      "honeytokens?merchant=a&x=1", "honeytokens?merchant=a&note=%0A",
      "honeytokens?merchant=a&note=4111-1111 1111",
      "honeytokens?merchant=a&note=" + String(repeating: "n", count: 129),
      "honeytokens/remove", "honeytokens/remove?token=tok_1",
      "honeytokens/remove?token=TOK_01KAX3ZV5YE8BVKP2MSZN9FQXW",
    ] {
      #expect(throws: AdministrationError.self, "\(target)") {
        try AdminRegistry.parse(method: "POST", target: "/v1/\(target)")
      }
    }
  }

  @Test("are unknown with another method or path")
  func unknown() throws {
    for (method, target) in [
      ("GET", "/v1/honeytokens?x=1"), ("GET", "/v1/honeytokens/remove"),
      ("POST", "/v1/honeytokens/add?merchant=a"), ("DELETE", "/v1/honeytokens"),
    ] {
      #expect(try AdminRegistry.parse(method: method, target: target) == nil, "\(method) \(target)")
    }
  }

  @Test("that change something are for operators, and each leaves an entry")
  func roles() throws {
    for operation in try Self.examples() {
      #expect(
        operation.terms.right == (operation is ListHoneytokens ? .audit : .operate))
      #expect(operation.terms.audited.rawValue.hasPrefix("honeytoken."))
    }
  }

  @Test("are only for a service that runs")
  func offline() throws {
    let operations = try TestService().operations()
    var answer = Collected()
    #expect(throws: AdministrationError.self) {
      try operations.run(ListHoneytokens(), actor: "user:ann") { answer.take($0) }
    }
    #expect(answer.documents.isEmpty)
  }
}
