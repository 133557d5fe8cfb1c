import AuditLog
import Cards
import Testing
import Vault

@testable import Administration

@Suite("Requests about honeytokens")
struct HoneytokenRequestTests {
  static let token = Token("tok_01kax3zv5ye8bvkp2mszn9fqxw")
  static let requests: [HoneytokenRequest] = [
    .list, .add(merchant: "shop", note: .none),
    .add(
      merchant: "shop.example",
      note: FreeText("é &=?%+# \"\\", longest: Honeytoken.longestNote) ?? .none),
  ]

  @Test("are read as they were written")
  func roundTrip() throws {
    let token = try #require(Self.token)
    for request in Self.requests + [.remove(token)] {
      let request = AdminRequest.honeytokens(request)
      #expect(try AdminRequest.parse(method: request.method, target: request.target) == request)
      #expect(!request.target.contains(" "))
      #expect(!request.path.contains("tok_"), "the path is logged")
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
        try AdminRequest.parse(method: "POST", target: "/v1/\(target)")
      }
    }
  }

  @Test("are unknown with another method or path")
  func unknown() throws {
    for (method, target) in [
      ("GET", "/v1/honeytokens?x=1"), ("GET", "/v1/honeytokens/remove"),
      ("POST", "/v1/honeytokens/add?merchant=a"), ("DELETE", "/v1/honeytokens"),
    ] {
      #expect(try AdminRequest.parse(method: method, target: target) == nil, "\(method) \(target)")
    }
  }

  @Test("that change something are for operators, and each leaves an entry")
  func roles() throws {
    let token = try #require(Self.token)
    for request in Self.requests + [.remove(token)] {
      #expect(request.leastRole == (request == .list ? .auditor : .operator))
      #expect(
        AdminRequest.honeytokens(request).auditOperation?.rawValue.hasPrefix("honeytoken.") == true)
    }
  }

  @Test("are only for a service that runs")
  func offline() throws {
    let operations = try TestService().operations()
    var answer = Collected()
    #expect(throws: AdministrationError.self) {
      try operations.run(.honeytokens(.list), actor: "user:ann") { answer.take($0) }
    }
    #expect(answer.documents.isEmpty)
  }
}
