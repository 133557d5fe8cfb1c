import AccessPolicy
import AuditLog
import Cards
import Ledgers
import Storage
import Testing
import Tokenization
import VaultCore
import VaultManagement

/// Tokens that no card is behind.
@Suite(.timeLimit(.minutes(30))) struct HoneytokenTests {
  private let house: TestVault

  init() throws { house = try TestVault() }

  private func plant(_ merchant: String = "shop", note: String = "") throws -> Token {
    let note = try #require(FreeText(note, longest: Honeytoken.longestNote))
    return try house.vault.addHoneytoken(merchant: merchant, note: note, actor: "user:ops").token
  }

  private func alarms() throws -> [String] {
    try house.entries().filter { $0.contains("\"operation\":\"alarm\"") }
  }

  @Test func `a honeytoken is made, listed and removed, with an entry each`() throws {
    let token = try plant(note: "customers, row 12")
    #expect(token.milliseconds == UInt64(MovableTime.start))
    let listed = try house.store.read { try Honeytoken.all(in: $0) }
    #expect(listed.map(\.token) == [token])
    #expect(listed.first?.merchant == 1)
    #expect(listed.first?.note == "customers, row 12")
    #expect(listed.first?.actor == "user:ops")
    #expect(try house.vault.removeHoneytoken(token, actor: "user:eve") == listed.first)
    #expect(try house.store.read { try Honeytoken.all(in: $0) }.isEmpty)
    func entry(_ operation: String, _ actor: String) -> String {
      """
      {"actor":"\(actor)","operation":"\(operation)","merchant":"shop","token":"\(token.text)",\
      "outcome":"done","reason":"note=customers, row 12"}
      """
    }
    #expect(
      try house.entries() == [
        entry("honeytoken.add", "user:ops"), entry("honeytoken.remove", "user:eve"),
      ])
    #expect(throws: VaultError.unknownHoneytoken) {
      try house.vault.removeHoneytoken(token, actor: "user:eve")
    }
  }

  @Test func `a honeytoken is for a merchant that there is`() {
    #expect(throws: VaultError.unknownMerchant(known: ["other-shop", "plain-shop", "shop"])) {
      try plant("shpo")
    }
  }

  @Test
  func `whoever names one gets what a token that never existed gives, and an alarm is raised`()
    async throws
  {
    let bait = try plant()
    // Tokens of a store that nobody has: one that never existed.
    let never = try await TestVault(first: 99).token(of: Number.visa)
    #expect(try await house.push(bait).value == house.push(never, key: "key-2").value)
    #expect(try await house.delete(bait).value == house.delete(never).value)
    #expect(
      text(of: try await house.pull(bait).value) == text(of: try await house.pull(never).value))
    #expect(
      try await house.delete(bait, as: "other-shop").value.problem == "token-not-found")
    let alarms = try alarms()
    #expect(alarms.count == 3, "one a second for each client")
    #expect(
      alarms.first == """
        {"actor":"system","operation":"alarm","merchant":"shop","token":"\(bait.text)",\
        "acquirer":"credit-du-nord","outcome":"raised","reason":"rule=honeytoken count=1 \
        client=spiffe://shop.example/checkout","request_id":"req-1"}
        """)
    #expect(alarms.allSatisfy { $0.contains(bait.text) })
    #expect(house.transport.sent.isEmpty)
    #expect(try house.auditFinding() == nil)
  }

  @Test func `it raises its alarm however the request is refused`() async throws {
    let bait = try plant()
    let requests: [() async throws -> Void] = [
      { [house] in _ = try await house.push(bait, to: "stranger-bank").value },
      { [house] in _ = try await house.push(bait, currency: "JPY").value },
      { [house] in
        _ = try await house.refuse(
          Problem(.quotaExceeded), operation: .detokenize, token: bait
        ).value
      },
      { [house] in
        _ = try await house.refuse(
          Problem(.operationNotPermitted), operation: .delete, token: bait
        ).value
      },
      { [house] in _ = try await house.pull(bait, as: "stranger-bank").value },
      { [house] in _ = try await house.delete(bait, as: "credit-du-nord").value },
    ]
    for (index, request) in requests.enumerated() {
      try await request()
      #expect(try alarms().count == index + 1)
      house.time.pass(seconds: 1)
    }
  }

  @Test func `it raises its alarm past the refusals that are written, within a second`()
    async throws
  {
    let bait = try plant()
    for _ in 0..<60 { _ = try await house.delete(nil).value }
    let size = try house.lines().count
    #expect(try await house.delete(bait).value.problem == "token-not-found")
    #expect(
      try house.lines().count == size,
      "the answer waits for no entry, as that about another token does not")
    try house.vault.tick()
    try house.settle()
    #expect(try alarms().count == 1)
    house.time.pass(seconds: 1)
    _ = try await house.refuse(
      Problem(.quotaExceeded), operation: .detokenize, token: bait
    ).value
    try house.close()
    try house.open()
    #expect(try alarms().count == 2, "one that waits is written when the vault is closed")
  }

  @Test func `it is watched after a restart, and while the vault is sealed it can be made`()
    async throws
  {
    let bait = try plant()
    try house.crash()
    try house.open()
    _ = try await house.delete(bait).value
    #expect(try alarms().count == 1)
    try house.vault.seal(actor: "user:ops")
    let other = try plant()
    try house.vault.unseal(with: house.keyring, actor: "user:ops")
    _ = try await house.delete(other).value
    #expect(try alarms().count == 2)
  }

  @Test func `one that is removed is a token that never existed, and nothing more`() async throws {
    let bait = try plant()
    _ = try house.vault.removeHoneytoken(bait, actor: "user:ops")
    #expect(try await house.delete(bait).value.problem == "token-not-found")
    #expect(try alarms().isEmpty)
  }

  @Test func `it is no card for whoever counts them`() async throws {
    _ = try plant()
    _ = try await house.token(of: Number.visa)
    #expect(try house.store.read { try $0.count(of: .cards) } == 1)
    let compacted = try house.vault.upkeep.compact(actor: "user:ops")
    #expect(compacted.bytesAfter > 0)
    #expect(try house.store.read { try Honeytoken.all(in: $0) }.count == 1)
  }
}
