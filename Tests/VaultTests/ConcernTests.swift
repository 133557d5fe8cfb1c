import AuditLog
import Ledgers
import RecordFormat
import Testing
import VaultCore
import VaultManagement

/// What lasts is told when it begins, when it changes, and seldom while it goes on.
@Suite struct ConcernTests {
  private static let kinds: Set<AuditOperation> = [.certificate, .checkpoint]
  private let house: TestVault

  init() throws {
    var options = TestVault.Options()
    options.alarms = AlarmWatch(rules: AlarmRule.standard)
    house = try TestVault(options)
  }

  private func certificate(_ outcome: AuditOutcome, of path: String = "/tls/a.pem") -> Concern {
    Concern(.certificate, outcome, of: path, reason: "file=\(path)")
  }

  private func tell(_ concerns: Concern..., of kinds: Set<AuditOperation> = kinds) throws {
    try house.vault.vault.tell(concerns, of: kinds)
    try house.settle()
  }

  /// Operation and outcome of each entry since the beginning.
  private func told(_ operation: AuditOperation = .certificate) throws -> [String] {
    let prefix = "\"operation\":\"\(operation.rawValue)\""
    return try house.entries().filter { $0.contains(prefix) }.map {
      String($0.split(separator: "\"outcome\":\"")[1].prefix { $0 != "\"" })
    }
  }

  @Test func `it is told once, with its alarm, and again when it changes`() throws {
    for _ in 0..<3 { try tell(certificate(.endsSoon)) }
    #expect(try told() == ["ends-soon"])
    #expect(try told(.alarm) == ["raised"])
    #expect(
      try house.entries().contains {
        $0.contains("rule=certificate-ends count=1 client=system")
      })
    for _ in 0..<3 { try tell(certificate(.ended), certificate(.endsSoon, of: "/tls/b.pem")) }
    #expect(try told() == ["ends-soon", "ended", "ends-soon"])
    #expect(try house.auditFinding() == nil)
  }

  @Test func `a restart does not tell it again`() throws {
    try tell(certificate(.ended))
    try house.reopen()
    try tell(certificate(.ended))
    try house.crash()
    try house.open()
    try tell(certificate(.ended))
    #expect(try told() == ["ended"])
  }

  @Test func `what goes on is told again after a day, what is to come after a week`() throws {
    let soon = certificate(.endsSoon, of: "/tls/b.pem")
    try tell(certificate(.ended), soon)
    for _ in 0..<6 {
      house.time.pass(seconds: 86_400)
      try tell(certificate(.ended), soon)
      try tell(certificate(.ended), soon)
    }
    #expect(try told().count { $0 == "ended" } == 7)
    #expect(try told().count { $0 == "ends-soon" } == 1)
    house.time.pass(seconds: 86_400)
    try tell(certificate(.ended), soon)
    #expect(try told().count { $0 == "ends-soon" } == 2)
    // A clock that was set back does not keep it silent for as long as it was ahead.
    house.time.jump(seconds: -10 * 86_400)
    try tell(certificate(.ended), soon)
    #expect(try told().count { $0 == "ended" } == 9)
  }

  @Test func `its end is told where it has a word for that, and it can begin anew`() throws {
    let failing = Concern(
      .checkpoint, .failed, of: "/spool/checkpoint", reason: "file=/spool/checkpoint", end: .done)
    try tell(failing, certificate(.ended))
    try tell()
    try tell()
    #expect(try told(.checkpoint) == ["failed", "done"])
    #expect(try told() == ["ended"])
    try tell(failing, certificate(.ended))
    #expect(try told(.checkpoint) == ["failed", "done", "failed"])
    #expect(try told() == ["ended", "ended"])
  }

  @Test func `what is not looked at is neither over nor told`() throws {
    try tell(certificate(.ended))
    try tell(of: [.checkpoint])
    try tell(certificate(.ended))
    #expect(try told() == ["ended"])
  }

  @Test func `a key is told of before its cryptoperiod ends, and when it has ended`() throws {
    #expect(try house.vault.keyConcerns == [])
    house.time.pass(seconds: 340 * 86_400)
    let soon = try #require(try house.vault.keyConcerns)
    #expect(soon.count == 2 && soon.allSatisfy { $0.outcome == .endsSoon && $0.key != nil })
    house.time.pass(seconds: 30 * 86_400)
    let data = try house.vault.rotate(.data, actor: "user:ann")
    let ended = try #require(try house.vault.keyConcerns)
    #expect(ended.count == 1)
    #expect(ended.first?.outcome == .ended && ended.first?.key != data.new.text)
    #expect(ended.first?.reason.hasPrefix("role=kek end=20") == true)
    try house.vault.seal(actor: "user:ann")
    #expect(try house.vault.keyConcerns == nil)
  }
}
