import AuditLog
import Bytes
import Testing

@testable import Administration

/// What a report adds up, and what it makes of it.
@Suite("Audit reports") struct ReportTests {
  private static let start: Int64 = 1_795_392_000_000

  private static func logged(
    _ operation: AuditOperation, _ outcome: AuditOutcome, at milliseconds: Int64 = start,
    merchant: String? = "shop", actor: String = "spiffe://shop.example/checkout",
    acquirer: String? = nil, payment: String? = nil, reason: String? = nil, key: String? = nil
  ) throws -> LoggedEntry {
    var line = AuditLine()
    line.write(
      AuditEntry(
        actor: AuditActor(actor), operation: operation, merchant: merchant, key: key,
        acquirer: acquirer,
        paymentIdentifier: payment, outcome: outcome, reason: reason), sequence: 7,
      atMilliseconds: milliseconds)
    let bytes = line.bytes
    let entry = LoggedEntry(line: bytes.rawSpan)
    return try #require(entry)
  }

  @Test func `operations are counted by day, merchant and acquirer`() throws {
    var statistics = AuditStatistics()
    let day = Self.start
    let next = day + 86_400_000
    try statistics.add(Self.logged(.tokenize, .created, at: day + 5))
    try statistics.add(Self.logged(.tokenize, .existing, at: next))
    try statistics.add(Self.logged(.detokenize, .intent, acquirer: "bank", payment: "pay_1"))
    try statistics.add(
      Self.logged(.detokenize, .refused, acquirer: "bank", payment: "pay_1", reason: "other"))
    try statistics.add(
      Self.logged(.detokenize, .released, merchant: nil, acquirer: "bank"))
    try statistics.add(Self.logged(.delete, .refused, reason: "token-not-found"))
    try statistics.add(Self.logged(.refusals, .counted, merchant: nil, reason: "40"))
    try statistics.add(Self.logged(.serve, .started, merchant: nil, actor: "system"))
    #expect(statistics.entries == 8)
    #expect(statistics.byDay[day]?[.tokenized] == 1)
    #expect(statistics.byDay[next]?[.tokenized] == 1)
    #expect(statistics.byDay[day]?[.detokenized] == 2)
    #expect(statistics.byDay[day]?[.refused] == 41)
    #expect(statistics.byMerchant["shop"]?[.refused] == 1)
    #expect(statistics.byAcquirer["bank"]?.pulls == 1)
    #expect(statistics.byAcquirer["bank"]?.outcomes == ["refused": 1])
    #expect(statistics.refusals == ["token-not-found": 1, "past the limit of a minute": 40])
    #expect(statistics.patterns.map(\.what) == ["41 refusals in a minute"])
  }

  @Test func `what the vault refused is no answer of an acquirer's`() throws {
    var statistics = AuditStatistics()
    for (outcome, payment) in [
      (AuditOutcome.refused, nil), (.refused, "pay_1"), (.unknown, "pay_2"),
    ]
      as [(AuditOutcome, String?)]
    {
      try statistics.add(Self.logged(.detokenize, outcome, acquirer: "bank", payment: payment))
    }
    // A refused pull, of an acquirer that has read no card.
    try statistics.add(
      Self.logged(
        .detokenize, .refused, merchant: nil, acquirer: "other", reason: "token-not-found"))
    #expect(statistics.byAcquirer.count == 1)
    #expect(statistics.byAcquirer["bank"]?.outcomes == ["refused": 1, "unknown": 1])
  }

  @Test func `commands that were refused are counted by their cause, and in no chart`() throws {
    var statistics = AuditStatistics()
    for (operation, outcome, reason) in [
      (.status, .refused, "not-permitted"), (.keysDestroy, .refused, "cause=key-needed ticket=T"),
      (.keysRotate, .failed, "cause=key-source"), (.userRefusals, .counted, "12"),
      (.unsealShare, .refused, "cause=wrong-passphrase custodian=A b"),
    ] as [(AuditOperation, AuditOutcome, String)] {
      try statistics.add(
        Self.logged(operation, outcome, merchant: nil, actor: "user:ann", reason: reason))
    }
    #expect(
      statistics.refusals == [
        "command: not-permitted": 1, "command: key-needed": 1, "command: wrong-passphrase": 1,
        "commands past the limit of a minute": 12,
      ])
    #expect(statistics.byDay.isEmpty)
  }

  private static func coverage(
    from: Int64, to: Int64, begins: Int64 = start, isRestored: Bool = false,
    archivedUntil: Int64? = nil
  ) -> ReportCoverage {
    ReportCoverage(
      from: from, to: to, madeMilliseconds: start + 10_000, logBegins: begins,
      isRestored: isRestored,
      archived: archivedUntil.map { .init(below: 154, untilMilliseconds: $0, export: "ab12") })
  }

  @Test func `a period says what of it the log cannot tell`() {
    #expect(Self.coverage(from: Self.start, to: Self.start + 10_001).limits.isEmpty)
    let early = Self.coverage(from: Self.start - 1, to: Self.start + 20_000, isRestored: true)
      .limits
    #expect(early.count == 2)
    #expect(early.first?.contains("restored from a backup") == true)
    #expect(early.last?.contains("before the end of its period") == true)
    let whole = Self.coverage(from: Self.start, to: Self.start + 5)
    #expect(whole.archiveRemark == nil && whole.empty("Nothing.") == "Nothing.")
    let after = Self.coverage(from: Self.start, to: Self.start + 5, archivedUntil: Self.start)
    #expect(after.archiveRemark == nil && after.empty("Nothing.") == "Nothing.")
    let archived = Self.coverage(
      from: Self.start, to: Self.start + 5, archivedUntil: Self.start + 3)
    #expect(archived.archiveRemark?.contains("SHA-256 ab12") == true)
    #expect(archived.archiveRemark?.contains("entry 153") == true)
    #expect(archived.empty("Nothing.").contains("archived"))
  }

  @Test func `an hour far above a client's median is told, and its usual hours are not`() throws {
    var statistics = AuditStatistics()
    for hour in 0..<10 {
      let count = hour == 6 ? 40 : 4
      for _ in 0..<count {
        try statistics.add(
          Self.logged(
            .detokenize, .approved, at: Self.start + Int64(hour) * 3_600_000, payment: "pay_1"))
      }
    }
    #expect(statistics.patterns.count == 1)
    #expect(statistics.patterns.first?.timeMilliseconds == Self.start + 6 * 3_600_000)
  }

  @Test func `names without end cost no memory without end`() throws {
    var statistics = AuditStatistics()
    for number in 0..<2_000 {
      try statistics.add(
        Self.logged(.delete, .refused, merchant: "m\(number)", reason: "cause \(number)"))
    }
    #expect(statistics.byMerchant.count == AuditStatistics.mostNames + 1)
    #expect(statistics.refusals.count == AuditStatistics.mostNames + 1)
    #expect(statistics.refusals.values.reduce(0, +) == 2_000)
  }

  @Test func `alarms are listed, as many as fit, and are no events of keys`() throws {
    var statistics = AuditStatistics()
    try statistics.add(
      Self.logged(
        .alarm, .raised, actor: "system",
        reason: "rule=many count=601 window=60s client=spiffe://shop.example/checkout",
        key: "0000000a"))
    let alarm = try #require(statistics.alarms.first)
    #expect(alarm.rule == "many")
    #expect(alarm.count == "601")
    #expect(alarm.window == "60s")
    #expect(alarm.client == "spiffe://shop.example/checkout")
    #expect(alarm.merchant == "shop")
    #expect(alarm.key == "0000000a")
    #expect(statistics.keyEvents.isEmpty)
    for _ in 0..<600 {
      try statistics.add(
        Self.logged(.alarm, .raised, actor: "system", reason: "rule=h count=1 client=c"))
    }
    #expect(statistics.alarms.count == AuditStatistics.mostAlarms)
    #expect(statistics.droppedAlarms == 101)
    var html = HTMLWriter()
    ReportAlarms(statistics: statistics).write(to: &html)
    let page = String(decoding: html.bytes, as: UTF8.self)
    #expect(page.contains("<td>many</td>"))
    #expect(page.contains("And 101 more"))
  }

  @Test func `a report says what was verified, and lets no name into its markup`() throws {
    let service = try TestService(entries: 3)
    let hostile = "<script>alert(1)</script>\"'&"
    try service.record([
      AuditEntry(
        actor: AuditActor(hostile, from: hostile), operation: .tokenize, merchant: hostile,
        outcome: .refused,
        reason: hostile)
    ])
    var answer = Collected()
    try service.operations().run(
      ReportAudit(from: 1_795_459_000_000, to: 1_795_460_000_000), actor: "user:ann"
    ) { answer.take($0) }
    let document = try #require(answer.documents.first)
    #expect(document.hasPrefix("{\"intact\":true,\"size\":4,\"entries\":4,\"sha256\":\""))
    #expect(!document.contains("<script"))
    #expect(document.contains("&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;"))
    #expect(document.contains("The log is intact."))
    #expect(document.contains("does not prove"))
    let entry = try #require(try service.lines(from: 4).first)
    #expect(entry.contains("\"operation\":\"audit.report\"") && entry.contains("intact"))
  }

  @Test(arguments: ["", "from=5", "from=5&to=5", "from=-1&to=5", "from=0&to=99999999999"])
  func `a period without an end, or longer than a report, is refused`(_ query: String) {
    #expect(throws: AdministrationError.self) {
      try AdminRegistry.parse(method: "POST", target: "/v1/audit/report?\(query)")
    }
  }
}
