import AuditLog
import Bytes
import JSON
import Testing

@Suite("The line of an entry")
struct AuditLineTests {
  private func text(_ entry: AuditEntry, sequence: UInt64 = 7) -> String {
    var line = AuditLine()
    line.write(entry, sequence: sequence, atMilliseconds: Sample.time)
    return String(decoding: line.bytes, as: UTF8.self)
  }

  @Test("has every member in the documented order")
  func members() {
    let entry = AuditEntry(
      actor: "spiffe://shop.example/checkout", operation: .detokenize, merchant: "shop",
      token: "tok_01kax3zv5ye8bvkp2mszn9fqxw", key: "00000001", acquirer: "credit-du-nord",
      paymentIdentifier: "pay_01kax3zv5ye8bvkp2mszn9fqxw", outcome: .refused,
      reason: "insufficient_funds", requestIdentifier: "r-1")
    #expect(
      text(entry) == """
        {"seq":7,"time":"2026-11-23T18:43:25.123Z","actor":"spiffe://shop.example/checkout",\
        "operation":"detokenize","merchant":"shop","token":"tok_01kax3zv5ye8bvkp2mszn9fqxw",\
        "key":"00000001","acquirer":"credit-du-nord",\
        "payment_id":"pay_01kax3zv5ye8bvkp2mszn9fqxw","outcome":"refused",\
        "reason":"insufficient_funds","request_id":"r-1"}
        """)
  }

  @Test("leaves out what is absent")
  func absent() {
    #expect(
      text(AuditEntry(actor: "system", operation: .clock, outcome: .backwards), sequence: 0)
        == """
        {"seq":0,"time":"2026-11-23T18:43:25.123Z","actor":"system","operation":"clock",\
        "outcome":"backwards"}
        """)
  }

  @Test("the origin stands last")
  func origin() throws {
    let entry = AuditEntry(
      actor: AuditActor("spiffe://shop.example/checkout", from: "[2001:db8::1]:443"),
      operation: .delete, outcome: .deleted, requestIdentifier: "01")
    let line = text(entry)
    #expect(
      line.hasSuffix(#","outcome":"deleted","request_id":"01","origin":"[2001:db8::1]:443"}"#))
    let bytes = Array(line.utf8)
    #expect(LoggedEntry(line: bytes.rawSpan)?.entry == entry)
  }

  @Test("escapes quotes and every control character, and keeps other text")
  func escapes() throws {
    let value = "a\"b\\c\nd\u{1B}[31m\u{7F}\u{85}é\u{A0}漢"
    let line = text(AuditEntry(actor: AuditActor(value), operation: .serve, outcome: .done))
    #expect(line.contains(#""actor":"a\"b\\c\u000ad\u001b[31m\u007f\u0085é"#))
    let bytes = Array(line.utf8)
    let document = try JSONDocument(bytes.rawSpan)
    let member = document.member("actor", of: document.root)
    let actor = try #require(member)
    #expect(document.string(of: actor) == value)
  }

  @Test("cuts what is too long between two characters")
  func cuts() {
    let line = text(
      AuditEntry(
        actor: "a", operation: .serve, outcome: .done,
        reason: "a" + String(repeating: "é", count: AuditLimits.memberBytes)))
    let kept = (AuditLimits.memberBytes - 1) / 2
    #expect(line.hasSuffix(#","reason":"a"# + String(repeating: "é", count: kept) + "\"}"))
  }

  @Test("of an entry that is escaped everywhere stays below the limit")
  func limit() {
    let worst = String(repeating: "\u{1}", count: 3_000)
    let line = text(
      AuditEntry(
        actor: AuditActor(worst, from: worst), operation: .storeBackupForget, merchant: worst,
        token: worst, key: worst,
        acquirer: worst,
        paymentIdentifier: worst, outcome: .authenticationRequired, reason: worst,
        requestIdentifier: worst),
      sequence: .max)
    #expect(line.utf8.count <= AuditLimits.lineBytes)
  }
}
