import AuditLog
import Bytes
import Cryptography
import JSON
import Testing

@testable import Administration

/// Every figure of a report against what is counted in the lines themselves, by words and nothing else.
@Suite("Reconciled reports") struct ReportReconciliationTests {
  private static let client = "spiffe://shop.example/checkout"
  private static let period: (Int64, Int64) = (1_795_459_000_000, 1_795_460_000_000)

  /// What is written of one operation: outcomes, each with a reason, by whom.
  private static func occurrences(
    _ operation: AuditOperation
  ) -> (actor: String, outcomes: [(AuditOutcome, String?)]) {
    switch operation {
    case .tokenize:
      (
        client,
        [
          (.created, nil), (.existing, nil), (.updated, nil), (.replayed, nil),
          (.refused, "sensitive-authentication-data"), (.refused, "operation-not-permitted"),
        ]
      )
    case .detokenize:
      (
        client,
        [
          (.released, nil), (.intent, nil), (.approved, nil), (.pending, nil),
          (.authenticated, nil), (.challengeRequired, nil), (.authenticationRequired, nil),
          (.rejected, nil), (.notSent, "connect-failed"), (.notSent, "connect-failed"),
          (.notSent, "connect-failed"), (.unknown, "restart"), (.replayed, nil),
          (.refused, "acquirer-not-permitted"), (.refused, "other"),
        ]
      )
    case .delete:
      (client, [(.deleted, nil), (.replayed, nil), (.refused, "token-not-found")])
    case .request: (client, [(.refused, "invalid-request")])
    case .refusals: (client, [(.counted, "40"), (.counted, "2")])
    case .userRefusals: ("user:ann", [(.counted, "7")])
    case .serve:
      ("system", [(.started, nil), (.started, nil), (.stopped, nil), (.started, nil)])
    case .reload: ("system", [(.intent, nil), (.done, nil), (.refused, nil)])
    case .clock: ("system", [(.jumped, "+90000s"), (.backwards, nil), (.unsynchronized, "x")])
    case .alarm: ("system", [(.raised, "rule=r count=1 client=\(client)")])
    case .checkpoint: ("system", [(.uncovered, "from=1 to=2"), (.missing, "x"), (.failed, "x")])
    case .keysPeriod, .certificate, .revocationList: ("system", [(.endsSoon, "x"), (.ended, "x")])
    case .storeRoom: ("system", [(.low, "x"), (.full, "x"), (.ample, "x")])
    case .unsealShare:
      (
        "user:bob",
        [(.done, "entered=1"), (.refused, "cause=wrong-passphrase custodian=A b"), (.expired, nil)]
      )
    case .ceremony: ("user:bob", [(.created, "role=kek"), (.share, "role=kek"), (.waiting, nil)])
    case .keysDestroy:
      ("user:ann", [(.dryRun, nil), (.waiting, nil), (.begun, nil), (.done, nil), (.failed, nil)])
    case .storeVerify, .auditVerify, .auditReport: ("user:ann", [(.intact, nil), (.changed, nil)])
    case .storeRemoveDamaged: ("user:ann", [(.deleted, nil), (.done, nil)])
    case .storeBackup, .storeCompact:
      ("user:ann", [(.begun, nil), (.done, nil), (.stopped, nil), (.failed, "cause=x")])
    case .status, .metrics, .keysStatus:
      ("user:eve", [(.refused, "not-permitted"), (.refused, "cause=unavailable")])
    default: ("user:ann", [(.done, nil), (.refused, "cause=refused"), (.failed, "cause=x")])
    }
  }

  private static func entries() -> [AuditEntry] {
    AuditOperation.allCases.flatMap { operation in
      let all = occurrences(operation)
      return all.outcomes.map { outcome, reason in
        let isPayment =
          operation == .detokenize && outcome != .released && reason != "acquirer-not-permitted"
        let isOfClient = all.actor == client && operation != .refusals
        return AuditEntry(
          actor: AuditActor(all.actor), operation: operation, merchant: isOfClient ? "shop" : nil,
          acquirer: operation == .detokenize ? "bank" : nil,
          paymentIdentifier: isPayment ? "pay_1" : nil, outcome: outcome, reason: reason)
      }
    }
  }

  /// The page that a service makes, and the entry about it.
  private static func report(
    _ service: TestService
  ) throws -> (page: String, lines: [String]) {
    let before = try service.lines(from: 0)
    var answer = Collected()
    try service.operations().run(
      ReportAudit(from: period.0, to: period.1), actor: "user:ann"
    ) { answer.take($0) }
    let bytes = Array(try #require(answer.documents.first).utf8)
    let document = try JSONDocument(bytes.rawSpan)
    let member = document.member("html", of: document.root)
    return (try #require(member.flatMap { document.string(of: $0) }), before)
  }

  /// The cells of the row that begins with `title`.
  private static func cells(_ title: String, in page: String) -> [String] {
    for row in page.split(separator: "<tr>") where row.contains(">\(title)</td>") {
      return row.split(separator: "<td").map { cell in
        let start = cell.firstIndex(of: ">").map { cell.index(after: $0) } ?? cell.startIndex
        return String(cell[start...].prefix { $0 != "<" })
      }
    }
    return []
  }

  /// Lines with each of `parts`: counted by words, as grep does.
  private static func count(_ lines: [String], _ parts: String...) -> Int {
    lines.count { line in parts.allSatisfy { line.contains($0) } }
  }

  private static func operation(_ name: String) -> String { "\"operation\":\"\(name)\"" }
  private static func outcome(_ name: String) -> String { "\"outcome\":\"\(name)\"" }

  @Test func `every figure is what the lines of the log say`() throws {
    let service = try TestService()
    try service.record(Self.entries())
    let (page, lines) = try Self.report(service)
    let payment = "\"payment_id\""
    func count(_ parts: String...) -> Int {
      lines.count { line in parts.allSatisfy { line.contains($0) } }
    }
    let uses =
      count(Self.operation("detokenize"), Self.outcome("released"))
      + [
        "approved", "pending", "authenticated", "challenge_required", "authentication_required",
        "refused", "rejected", "unknown",
      ].reduce(0) { $0 + count(Self.operation("detokenize"), payment, Self.outcome($1)) }
    #expect(uses == 9)
    let tokenized = ["created", "existing", "updated"].reduce(0) {
      $0 + count(Self.operation("tokenize"), Self.outcome($1))
    }
    // By the client: one of tokenize twice, one of detokenize, delete, request; and what is only counted.
    let byClient =
      lines.count {
        $0.contains(Self.client) && $0.contains(Self.outcome("refused")) && !$0.contains(payment)
      } + 42
    #expect(byClient == 47)
    let boxes = page.split(separator: "<li><b>").dropFirst().map { $0.prefix { $0 != "<" } }
    #expect(boxes.prefix(4).map { Int($0) } == [tokenized, uses, 1, byClient])
    let byUsers = count("\"actor\":\"user:", Self.outcome("refused")) + 7
    let expected = [
      ("3.3.1 no", "1 refused"),
      ("3.6.1 keys", "1 unsealed, 1 shares refused"),
      ("3.7.1 to", "1 created, 1 rotated, 3 ceremony entries"),
      ("3.7.5 ret", "1 destroyed, 1 compromised"),
      ("3.7.6 sp", "1 approvals, 1 shares taken"),
      ("7.2 acc", "5 not permitted; of 49 more the cause is not kept"),
      ("8.2.1, 8", "1 clients, 3 users"),
      ("10.2.1.1", "\(uses) uses; 3 payments were not sent"),
      ("10.2.1.2", "\(count("\"actor\":\"user:")) entries"),
      ("10.2.1.3", "8 looks"),
      ("10.2.1.4", "\(byClient + byUsers) refused"),
      ("10.2.1.5", "1 configurations put in force, 1 refused"),
      ("10.2.1.6", "3 starts, 1 stops, 1 ends without a stop"),
      (
        "10.2.1.7",
        "2 keys made, 1 destroyed, 1 backups made, 1 forgotten, 1 compactions, 1 records given up"
      ),
      ("10.3 prot", "intact; 1 starts found entries without a checkpoint"),
      ("10.4 rev", "1 looks, 2 verifications, 2 reports"),
      ("10.4.1.1", "1 alarms"),
      ("10.6 time", "1 jumps ahead, 1 steps back, 1 entries that it is not synchronized"),
      (
        "10.7.2 fa",
        "1 cryptoperiods, 1 certificates and 1 revocation lists had ended, 2 checkpoint files were missing or "
          + "not written, 1 reloads refused, 1 times damage"
      ),
    ]
    for (title, figures) in expected {
      let row = page.split(separator: "<tr>").first { $0.hasPrefix("<td>\(title)") }
      #expect(row?.contains("<td>\(figures)</td>") == true, "\(title): \(row ?? "no row")")
    }
    #expect(Self.cells("shop", in: page).dropFirst().map { Int($0) } == [3, uses, 1, 5])
    #expect(Self.cells("bank", in: page).last == "1")
    #expect(Self.cells("bank", in: page).dropFirst().first?.contains("3 not_sent") == true)
    #expect(Self.cells("command: not-permitted", in: page).last == "3")
    #expect(Self.cells("past the limit of a minute", in: page).last == "42")
    #expect(Self.cells("commands past the limit of a minute", in: page).last == "7")
  }

  @Test func `the table of operations holds every line, and no other`() throws {
    let service = try TestService()
    try service.record(Self.entries())
    let (page, lines) = try Self.report(service)
    let table = try #require(
      page.split(separator: "<table>").first { $0.contains("<th>Outcome</th>") })
    var total = 0
    for row in table.split(separator: "<tr>") where row.hasPrefix("<td>") {
      let cells = row.split(separator: "<td").map { cell in
        String(cell.drop { $0 != ">" }.dropFirst().prefix { $0 != "<" })
      }
      let number = try #require(Int(cells[2]))
      total += number
      #expect(
        number == Self.count(lines, Self.operation(cells[0]), Self.outcome(cells[1])), "\(cells)")
    }
    #expect(total == lines.count)
    #expect(
      Set(lines.map { $0.split(separator: "\"operation\":\"")[1].prefix { $0 != "\"" } }).count
        == AuditOperation.allCases.count)
  }

  @Test func `a page's digests are in its entry, and an edited page has another`() throws {
    let service = try TestService(entries: 3)
    let (page, before) = try Self.report(service)
    let entry = try #require(try service.lines(from: UInt64(before.count)).first)
    let bytes = Array(page.utf8)
    let whole = Digest256.sha256(bytes.rawSpan).hex
    #expect(entry.contains("sha256=\(whole) "))
    #expect(entry.contains("from=2026-11-23T18:36:40.000Z to=2026-11-23T18:53:20.000Z "))
    let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    let last = try #require(lines.dropLast().last)
    let head = Array(bytes.dropLast(last.count + 1))
    let printed = Digest256.sha256(head.rawSpan).hex
    #expect(entry.contains("printed=\(printed)"))
    let text = String(decoding: last, as: UTF8.self)
    #expect(text.contains(printed) && text.contains("head -c \(head.count) FILE | sha256sum"))
    let edited = Array(page.replacing("0 refused", with: "1 refused").utf8)
    #expect(!entry.contains(Digest256.sha256(edited.rawSpan).hex))
  }

  private static func coverage(
    begins: Int64, made: Int64, isRestored: Bool = false, archivedUntil: Int64? = nil
  ) -> ReportCoverage {
    ReportCoverage(
      from: 0, to: made, madeMilliseconds: made, logBegins: begins, isRestored: isRestored,
      archived: archivedUntil.map { .init(below: 154, untilMilliseconds: $0, export: "ab12") })
  }

  @Test func `holes in twelve months are named, and their absence`() {
    let day: Int64 = 86_400_000
    let made: Int64 = 1_795_392_000_000
    #expect(Self.coverage(begins: made - 5 * day, made: made).holes(isIntact: true).isEmpty)
    #expect(Self.coverage(begins: made - 5 * day, made: made).holes(isIntact: false).count == 1)
    let restored = Self.coverage(begins: made - 5 * day, made: made, isRestored: true)
    #expect(restored.holes(isIntact: true).first?.contains("2026-11-18T") == true)
    #expect(
      Self.coverage(begins: made - 366 * day, made: made, isRestored: true)
        .holes(isIntact: true).isEmpty)
    let short = Self.coverage(
      begins: made - 400 * day, made: made, archivedUntil: made - 89 * day)
    #expect(short.holes(isIntact: true).count == 1)
    #expect(short.retention(isIntact: true).contains("(89 days)"))
    #expect(
      Self.coverage(begins: made - 400 * day, made: made, archivedUntil: made - 92 * day)
        .holes(isIntact: true).isEmpty)
  }

  @Test func `archives are listed with what each took`() throws {
    let digest = Digest256.sha256([UInt8]().rawSpan)
    var report = ExportReport(from: Self.period.0, to: Self.period.1)
    for (sequence, below) in [(200, 154), (400, 322)] as [(UInt64, UInt64)] {
      var line = AuditLine()
      let mark = ArchiveMark(
        below: below, kept: KeptLines(), created: 0, deleted: 0, export: digest)
      line.write(
        AuditEntry(
          actor: "user:ann", operation: .auditArchive, outcome: .done, reason: mark.text),
        sequence: sequence, atMilliseconds: Self.period.0 + 5)
      let bytes = line.bytes
      report.add(bytes.rawSpan)
    }
    #expect(report.archives.map(\.first) == [0, 154])
    #expect(report.archives.map(\.below) == [154, 322])
    var html = HTMLWriter()
    var coverage = Self.coverage(begins: 0, made: Self.period.1)
    coverage.archives = report.archives
    coverage.writeRetention(isIntact: true, to: &html)
    let page = String(decoding: html.bytes, as: UTF8.self)
    #expect(Self.cells("400", in: page)[3...5] == ["154", "321", "2026-11-23T18:36:40Z"])
    #expect(page.contains("head -n 322 entries.jsonl"))
    #expect(page.contains(digest.hex))
  }
}
