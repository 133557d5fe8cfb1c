import AccessPolicy
import AuditLog
import Cards
import RecordFormat
import Storage
import Synchronization
import TestSupport
import Testing

@testable import Ledgers
@testable import Tokenization
@testable import VaultCore
@testable import VaultManagement

/// Alarms as the vault raises them.
@Suite(.timeLimit(.minutes(30))) struct AlarmTests {
  /// A vault with rules, and what it told of alarms.
  private final class Watched {
    let house: TestVault
    private let told: Told

    final class Told: Sendable {
      let alarms = Mutex<[RaisedAlarm]>([])
    }

    init(_ rules: [AlarmRule]) throws {
      let told = Told()
      self.told = told
      var options = TestVault.Options()
      options.alarms = AlarmWatch(rules: rules) { raised in
        told.alarms.withLock { $0.append(raised) }
      }
      house = try TestVault(options)
    }

    var alarms: [RaisedAlarm] { told.alarms.withLock { $0 } }

    /// The alarm entries, without sequence and time.
    func entries() throws -> [String] {
      try house.entries().filter { $0.contains("\"operation\":\"alarm\"") }
    }

    func counts() throws -> [UInt64] { try house.vault.alarmCounts.map(\.raised) }
  }

  private static let shop = "spiffe://shop.example/checkout"

  @Test func `an alarm is the entry after its cause, and is told once it is durable`() async throws
  {
    let watched = try Watched([
      AlarmRule(
        name: "many", operations: [.delete], subject: .client, threshold: 2, windowSeconds: 60)
    ])
    let house = watched.house
    for _ in 0..<5 { _ = try await house.delete(nil).value }
    #expect(
      try house.entries()[3] == """
        {"actor":"system","operation":"alarm","merchant":"shop","outcome":"raised",\
        "reason":"rule=many count=3 window=60s client=\(Self.shop)","request_id":"req-1"}
        """)
    #expect(try watched.entries().count == 1, "once in a window")
    #expect(watched.alarms.map(\.sequence) == [3])
    #expect(watched.alarms.first?.alarm.cause.actor.name == Self.shop)
    #expect(try watched.counts() == [1])
    house.time.pass(seconds: 60)
    for _ in 0..<2 { _ = try await house.delete(nil).value }
    #expect(try watched.entries().count == 1, "a new window counts from its beginning")
    _ = try await house.delete(nil).value
    #expect(try watched.counts() == [2])
    #expect(try house.auditFinding() == nil)
  }

  @Test func `subjects are counted apart`() async throws {
    let watched = try Watched([
      AlarmRule(
        name: "per-client", operations: [.delete], subject: .client, threshold: 2,
        windowSeconds: 60),
      AlarmRule(name: "together", operations: [.delete], threshold: 3, windowSeconds: 60),
    ])
    for name in ["shop", "other-shop", "shop", "other-shop"] {
      _ = try await watched.house.delete(nil, as: name).value
    }
    #expect(try watched.counts() == [0, 1])
    _ = try await watched.house.delete(nil, as: "other-shop").value
    #expect(try watched.counts() == [1, 1])
    #expect(try watched.entries().last?.contains("client=spiffe://other-shop.example/") == true)
  }

  @Test func `a rule without a window makes an alarm of each entry`() async throws {
    let watched = try Watched([AlarmRule(name: "keys", outcomes: [.done], keys: true)])
    let house = watched.house
    let rotation = try house.vault.rotate(.data, actor: "user:ada")
    let entries = try watched.entries()
    #expect(
      entries == [
        """
        {"actor":"system","operation":"alarm","key":"\(rotation.new.text)","outcome":"raised",\
        "reason":"rule=keys count=1 client=user:ada"}
        """
      ])
    _ = try await house.token(of: Number.visa)
    #expect(try watched.entries().count == 1, "a card is no key")
  }

  @Test func `a card number in an acquirer's answer is an alarm where no file says otherwise`()
    async throws
  {
    let watched = try Watched(AlarmRule.standard)
    let house = watched.house
    let token = try await house.token(of: Number.visa)
    for key in ["a", "b"] {
      house.transport.answer(.answered(PaymentAnswer(outcome: .approved, heldCardNumber: true)))
      _ = try await house.push(token, key: key).value
    }
    #expect(try watched.entries().count == 1, "once an hour for each acquirer")
    #expect(watched.alarms.first?.alarm.rule == "card-number-in-answer")
    #expect(watched.alarms.first?.alarm.entry.acquirer == "credit-du-nord")
  }

  @Test func `what a batch has counted that is given up is taken back`() throws {
    let watched = try Watched([
      AlarmRule(name: "each", operations: [.keysStatus]),
      AlarmRule(
        name: "second", operations: [.keysStatus], threshold: 1, windowSeconds: 60),
    ])
    let house = watched.house
    let entry = AuditEntry(actor: "user:ada", operation: .keysStatus, outcome: .done)
    // One batch of three, of which the last fails: the others are applied twice.
    let blocker = Blocker(try house.store)
    for fails in [false, true, false] {
      try house.store.submit(RecordingJob(entry, in: house.vault.books, fails: fails))
    }
    blocker.open()
    try house.settle()
    #expect(try house.entries().count { $0.contains("keys.status") } == 2)
    #expect(try watched.counts() == [2, 1])
    #expect(try watched.entries().count == 3)
    #expect(watched.alarms.count == 3)
    #expect(try house.auditFinding() == nil)
  }

  @Test func `refusals that are only counted are counted by rules too`() async throws {
    let watched = try Watched([
      AlarmRule(
        name: "unknown-tokens", outcomes: [.refused], reasons: ["token-not-found"],
        subject: .client, threshold: 100, windowSeconds: 600),
      AlarmRule(
        name: "quota", reasons: ["quota-exceeded"], subject: .client, threshold: 30,
        windowSeconds: 600),
    ])
    let house = watched.house
    for _ in 0..<101 { _ = try await house.delete(nil).value }
    for _ in 0..<31 { _ = try await house.refuse(Problem(.quotaExceeded)).value }
    #expect(try watched.entries().isEmpty, "a refusal that is not written waits for nothing")
    try house.vault.tick()
    try house.settle()
    #expect(watched.alarms.map(\.alarm.rule) == ["unknown-tokens", "quota"])
    #expect(watched.alarms.map(\.alarm.count) == [101, 31])
    #expect(try watched.entries().count == 2)
    try house.vault.tick()
    try house.settle()
    #expect(try watched.entries().count == 2, "once")
    #expect(try house.auditFinding() == nil)
  }

  @Test func `a client that raises alarm after alarm fills no log, and hides no other client's`()
    async throws
  {
    let watched = try Watched([AlarmRule(name: "each", operations: [.detokenize])])
    let house = watched.house
    let token = try await house.token(of: Number.visa)
    for _ in 0..<80 { _ = try await house.pull(token).value }
    #expect(try watched.entries().count == 60)
    #expect(try watched.counts() == [80], "all of them are counted")
    _ = try await house.pull(token, as: "pull-only").value
    #expect(try watched.entries().count == 61)
    house.time.pass(seconds: 60)
    _ = try await house.pull(token).value
    #expect(try watched.entries().count == 62)
  }

  @Test func `an alarm raises no alarm`() async throws {
    let watched = try Watched([
      AlarmRule(name: "any", threshold: 0, windowSeconds: 1),
      AlarmRule(name: "raised", operations: [.alarm], outcomes: [.raised]),
    ])
    _ = try await watched.house.delete(nil).value
    #expect(try watched.entries().count == 1)
    #expect(try watched.counts() == [1, 0])
  }

  @Test func `other rules can be put in force, and a rule that stays goes on counting`()
    async throws
  {
    let kept = AlarmRule(
      name: "kept", operations: [.delete], threshold: 2, windowSeconds: 60)
    let watched = try Watched([kept, AlarmRule(name: "gone", operations: [.delete])])
    let house = watched.house
    for _ in 0..<2 { _ = try await house.delete(nil).value }
    #expect(try house.vault.alarmCounts.map(\.raised) == [0, 2])
    try house.vault.update(alarms: [AlarmRule(name: "new", operations: [.tokenize]), kept])
    _ = try await house.delete(nil).value
    #expect(try house.vault.alarmCounts.map(\.rule) == ["new", "kept"])
    #expect(try house.vault.alarmCounts.map(\.raised) == [0, 1])
  }

  @Test func `an alarm with a long client is cut, and the words before it stay`() throws {
    let long = "spiffe://" + String(repeating: "a", count: 2_000)
    let watched = try Watched([
      AlarmRule(
        name: String(repeating: "n", count: 64), operations: [.serve], threshold: 0,
        windowSeconds: 86_400)
    ])
    try watched.house.vault.record(
      AuditEntry(actor: AuditActor(long), operation: .serve, outcome: .started))
    let entry = try #require(try watched.entries().first)
    #expect(entry.contains("count=1 window=86400s client=spiffe://aaaaaaaaaaaaaaaa"))
    #expect(try watched.house.auditFinding() == nil)
  }
}

/// Records an entry as an operation does, or fails after it has.
///
/// `@unchecked Sendable`: handed to the store once; its fields do not change.
private final class RecordingJob: WriteJob, @unchecked Sendable {
  let admission = Admission.reserved
  private let entry: AuditEntry
  private let books: Books
  private let fails: Bool

  init(_ entry: AuditEntry, in books: Books, fails: Bool) {
    self.entry = entry
    self.books = books
    self.fails = fails
  }

  func apply(_ transaction: inout StoreWriteTransaction) throws(VaultError) {
    try books.record(entry, in: &transaction)
    if fails { throw .malformedRow }
  }

  func complete(_ result: Result<Void, VaultError>) {}
}
