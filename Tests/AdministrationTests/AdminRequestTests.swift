import AuditLog
import Cryptography
import RecordFormat
import Testing
import Vault

@testable import Administration

@Suite("Requests to the administration socket")
struct AdminRequestTests {
  static let checkpoint = try? SignedCheckpoint(
    parsing: Array(
      """
      cadenas/0102030405060708090a0b0c0d0e0f10
      1
      AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=

      — cadenas/0102030405060708090a0b0c0d0e0f10 AAAAAAAA

      """.utf8))

  static let requests: [AdminRequest] = {
    var query = AuditQuery()
    query.filter.actor = "user:é &=?%+#"
    query.filter.fromMilliseconds = -5
    query.filter.toMilliseconds = 1_795_459_405_123
    query.filter.operation = "tokenize"
    query.filter.merchant = "shop"
    query.filter.token = "tok_1"
    query.filter.key = "00000001"
    query.filter.outcome = "created"
    query.limit = 10
    var followed = query
    followed.follows = true
    return [
      .audit(.show(followed)), .audit(.report(from: 1, to: 2)), .audit(.checkpoint),
      .audit(.prove(.entry(7))), .audit(.prove(.token("tok_1"))), .audit(.prove(.size(9))),
      .audit(.export), .audit(.archivable(before: 5)),
      .audit(.archive(below: 12, export: .zero)), .audit(.verify(since: checkpoint)),
      .status, .metrics, .keysStatus, .audit(.verify(since: nil)), .storeStats, .storeVerify,
      .audit(.show(AuditQuery())), .audit(.show(query)), .keysPublicKey, .keysInventory,
      .keysHistory(nil), .keysHistory(KeyIdentifier(10)), .keysCertificate(KeyIdentifier(10), nil),
      .keysCertificate(KeyIdentifier(0xFFFF_FFFF), .final),
      .keysCertificate(KeyIdentifier(0), .interim),
    ]
  }()

  @Test("are read as they were written", arguments: requests)
  func roundTrip(request: AdminRequest) throws {
    #expect(try AdminRequest.parse(method: request.method, target: request.target) == request)
    #expect(!request.target.contains(" "))
  }

  @Test("are refused when the query has no valid form")
  func malformed() {
    for query in [
      "limit=0", "limit=x", "limit=1000001", "from=yesterday", "token", "token=a&token=b",
      "other=1", "actor=%G0", "actor=%4", "actor=%FF",
    ] {
      #expect(throws: AdministrationError.self, "\(query)") {
        try AdminRequest.parse(method: "GET", target: "/v1/audit?\(query)")
      }
    }
  }

  @Test("about a key are refused when they name it in another form")
  func malformedKey() {
    for target in [
      "certificate", "certificate?key=1", "certificate?key=0000000A", "certificate?kind=final",
      "certificate?key=0000000a&kind=other", "certificate?key=0000000a&kind=final&kind=final",
      "certificate?key=0000000a&x",
      "history?key=", "history?0000000a", "history?key=0000000a&x=1",
    ] {
      #expect(throws: AdministrationError.self, "\(target)") {
        try AdminRequest.parse(method: "GET", target: "/v1/keys/\(target)")
      }
    }
  }

  @Test("are unknown with another method, path or an unexpected query")
  func unknown() throws {
    for (method, target) in [
      ("POST", "/v1/status"), ("GET", "/v1/audit/verify"), ("GET", "/"), ("GET", "/v1/status?x=1"),
    ] {
      #expect(try AdminRequest.parse(method: method, target: target) == nil, "\(method) \(target)")
    }
  }

  @Test("find the highest role of a user by name and by group")
  func roles() {
    let access = AccessList(operators: [.user("vaultops")], auditors: [.group("audit")])
    func role(_ name: String?, _ groups: Set<String>) -> Role? {
      access.role(of: HostUser(identifier: 1, name: name, groups: groups))
    }
    #expect(role("vaultops", []) == .operator)
    #expect(role("vaultops", ["audit"]) == .operator)
    #expect(role("ann", ["audit"]) == .auditor)
    #expect(role("audit", ["vaultops"]) == nil)
    #expect(role("root", ["root"]) == nil)
    #expect(role(nil, []) == nil)
  }
}
