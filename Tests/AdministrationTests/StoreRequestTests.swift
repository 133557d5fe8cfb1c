import CardStore
import Cryptography
import Ledgers
import RecordFormat
import Storage
import Testing
import VaultCore
import VaultManagement

@testable import Administration

@Suite("Requests about the store as a whole")
struct StoreRequestTests {
  static let note = FreeText("é &=?%+# \"\\", longest: BackupRecord.longestNote)
  static let reason = KeyReason(ticket: "CHG-12", text: "shredded on 2026-11-25, tape 7")

  static let records = [
    "tok_01kax3zv5ye8bvkp2mszn9fqxw", "key_019abe1fecbe72175bd8549fd49bf7bc00",
    "row_" + String(repeating: "0f", count: 32),
  ]

  static func examples() throws -> [any AdminOperation] {
    [
      ListBackups(), CompactStore(), CompactStore(because: reason ?? .none),
      try BackUpStore(to: "/b", note: .none),
      try BackUpStore(to: "/b", note: .none, because: reason ?? .none),
      try BackUpStore(
        to: "/backups/2026-11-25/cadenas 20261125214055.mdb", note: note ?? .none),
      try ForgetBackup(KeyIdentifier(0x0102_0304), because: reason ?? .none),
      try RemoveDamaged(
        records.compactMap { DamagedEntry($0) }, because: reason ?? .none, execute: true),
      try RemoveDamaged(
        records.prefix(1).compactMap { DamagedEntry($0) }, because: .none, execute: false),
    ]
  }

  @Test("are read as they were written")
  func roundTrip() throws {
    for operation in try Self.examples() { try operation.checkRoundTrip() }
  }

  @Test("are refused when their values have no valid form")
  func malformed() {
    for target in [
      "/v1/store/backups", "/v1/store/backups?note=n", "/v1/store/backups?path=/b&path=/b",
      "/v1/store/backups?path=b&note=", "/v1/store/backups?path=/b/&note=",
      "/v1/store/backups?path=/b/..&note=", "/v1/store/backups?path=/b%00c&note=",
      "/v1/store/backups?path=/b&note=%0A", "/v1/store/backups?path=/b&note=%FF",
      "/v1/store/backups?path=/b&note=&x=1",
      "/v1/store/backups?path=/" + String(repeating: "b", count: 4_096) + "&note=",
      "/v1/store/backups?path=/b&note=" + String(repeating: "n", count: 1_025),
      "/v1/store/backups?path=/b&note=4111-1111 1111",
      "/v1/store/backups?path=/b&note=4970.1051.8181.8183",
      "/v1/store/backups/forget?id=00000001&reason=4970_1051_8181_8183 gone",
      "/v1/store/backups/forget?id=00000001&ticket=4970/1051/8181/8183",
      "/v1/store/backups/forget?id=00000001", "/v1/store/backups/forget?reason=x",
      "/v1/store/backups/forget?id=1&reason=x", "/v1/store/backups/forget?id=00000001&reason=",
      "/v1/store/backups/forget?id=00000001&reason=" + String(repeating: "r", count: 129),
      "/v1/store/remove-damaged", "/v1/store/remove-damaged?reason=x&execute=1",
      "/v1/store/remove-damaged?records=&reason=x",
      "/v1/store/remove-damaged?records=tok_1&reason=x",
      "/v1/store/remove-damaged?records=\(Self.records[0])&execute=1",
      "/v1/store/remove-damaged?records=\(Self.records[0]),\(Self.records[0])",
      "/v1/store/remove-damaged?records=\(Self.records[0]),",
      "/v1/store/remove-damaged?records="
        + (0...100).map { "key_000\(100 + $0)" }.joined(separator: ","),
    ] {
      #expect(throws: AdministrationError.self, "\(target)") {
        try AdminRegistry.parse(method: "POST", target: target)
      }
    }
  }

  @Test("are unknown with another method, path or an unexpected query")
  func unknown() throws {
    for (method, target) in [
      ("GET", "/v1/store/compact"), ("GET", "/v1/store?x=1"),
      ("GET", "/v1/store/backups?x=1"), ("POST", "/v1/store/backup"), ("POST", "/v1/store/restore"),
      ("GET", "/v1/store/remove-damaged"),
    ] {
      #expect(try AdminRegistry.parse(method: method, target: target) == nil, "\(method) \(target)")
    }
  }

  @Test("that change something are for operators")
  func roles() throws {
    for operation in try Self.examples() {
      let isLook = operation is ListBackups || operation.isDryRun
      #expect(operation.terms.right == (isLook ? .audit : .operate))
      #expect(operation.terms.isWriting == !(isLook || operation is RemoveDamaged))
      #expect(!operation.route.path.contains("tok_"), "the path is logged")
    }
  }
}

extension AdminOperation {
  /// Whether it is one that removes something, and is not told to do it.
  var isDryRun: Bool {
    self is RemoveDamaged && !fields.contains { $0.0 == "execute" && $0.1 != nil }
  }
}

@Suite("What is known of a log from elsewhere")
struct LastKnownTests {
  private let hex = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
  private let base64 = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="

  @Test("is a size and a root, in base 64 or hexadecimal")
  func text() throws {
    let root = try #require(Digest256(hex: hex))
    for text in ["12:\(hex)", "12:\(base64)"] {
      let known = try #require(LastKnown(text))
      #expect(known.log == .init(size: 12, root: root))
      #expect(known.store == nil)
    }
    for text in [
      "", ":", "12", "12:", ":\(hex)", "012:\(hex)", "+12:\(hex)", "-1:\(hex)", "12:\(hex):",
      "12:\(hex.dropLast())", "12:\(base64.dropLast())", "12:\(base64.dropLast(2))V=",
      "12:\(base64.dropLast())A", "12: \(base64)", "18446744073709551616:\(hex)",
      "12:\(base64.replacing("+", with: "-"))",
    ] {
      #expect(LastKnown(text) == nil, "\(text)")
    }
  }

  @Test("is a checkpoint of a store of this kind")
  func checkpoint() throws {
    let origin = "cadenas/0102030405060708090a0b0c0d0e0f10"
    let text = "\(origin)\n12\n\(base64)\n\n— \(origin) AAAAAAAA\n"
    let known = try #require(LastKnown(checkpoint: Array(text.utf8)))
    #expect(known.log.size == 12)
    #expect(known.store?.bytes == Array(1...16))
    for wrong in [
      "", "\n\n\n\n\n", text.replacing("cadenas/", with: "other/"),
      text.replacing("0f10", with: "0f"),
      text.replacing("\n12\n", with: "\n012\n"), text.replacing(base64, with: "x"),
      "\(origin)\n12\n\(base64)\n", text + String(repeating: "x", count: 16_384),
    ] {
      #expect(LastKnown(checkpoint: Array(wrong.utf8)) == nil, "\(wrong.prefix(80))")
    }
    #expect(LastKnown(checkpoint: Array(text.utf8) + [0xFF]) == nil)
  }
}
