import AccessPolicy
import Cards
import Glibc
import Ledgers
import Storage
import TestSupport
import Testing
import Tokenization
import VaultCore
import VaultManagement

/// What was admitted under one policy and is done under another.
@Suite(.timeLimit(.minutes(30))) struct PolicyChangeTests {
  private let house: TestVault

  init() throws { house = try TestVault() }

  /// Keeps the writer's thread busy until it is told to go on.
  private final class BusyWriter: WriteJob {
    let admission = Admission.reserved
    private let begun: (read: Int32, write: Int32)
    private let goOn: (read: Int32, write: Int32)

    init() throws {
      func pair() throws -> (Int32, Int32) {
        var ends: [Int32] = [0, 0]
        guard unsafe pipe(&ends) == 0 else { throw Missing(what: "a pipe") }
        return (ends[0], ends[1])
      }
      begun = try pair()
      goOn = try pair()
    }

    deinit { for end in [begun.read, begun.write, goOn.read, goOn.write] { close(end) } }

    func complete(_ result: Result<Void, StorageError>) {}

    func apply(_ transaction: inout StoreWriteTransaction) throws(StorageError) {
      var byte: UInt8 = 1
      _ = unsafe write(begun.write, &byte, 1)
      _ = unsafe read(goOn.read, &byte, 1)
    }

    func waitUntilItWorks() {
      var byte: UInt8 = 0
      _ = unsafe read(begun.read, &byte, 1)
    }

    func end() {
      var byte: UInt8 = 1
      _ = unsafe write(goOn.write, &byte, 1)
    }
  }

  /// Asks while the writer is busy, changes the policy, and lets the writer go on.
  private func change<Value>(
    to policy: Policy, while ask: () throws -> Reply<Value>
  ) async throws -> Value {
    let busy = try BusyWriter()
    try house.store.submit(busy)
    busy.waitUntilItWorks()
    let reply = try ask()
    try house.update(policy: policy)
    busy.end()
    return await reply.value
  }

  @Test func `a pull that waits does not outlive the merchant's work with the acquirer`()
    async throws
  {
    let token = try await house.token(of: Number.visa)
    let reply = try await change(to: Cast.makePolicy(generation: 2, shopAcquirers: [])) {
      try house.pull(token, under: 1)
    }
    #expect(text(of: reply) == "token-not-found")
  }

  @Test func `a push that waits is not sent to an acquirer that was taken away`() async throws {
    let token = try await house.token(of: Number.visa)
    let policy = Cast.makePolicy(generation: 2, shopAcquirers: ["pull-only"])
    let answer = try await change(to: policy) { try house.push(token, under: 1) }
    #expect(answer.status == 403)
    #expect(answer.problem == "acquirer-not-permitted")
    #expect(house.transport.sent.isEmpty)
    #expect(try house.entries().last?.contains("acquirer-not-permitted") == true)
  }

  @Test(arguments: [
    Cast.makePolicy(generation: 2, shopOperations: []),
    // The same name with another number is another merchant, whose cards these are not.
    Cast.makePolicy(generation: 2, shopNumber: 9),
    // The merchant may, and this client of it may not.
    Cast.makePolicy(
      generation: 2,
      shopClients: [
        MerchantClient(id: "spiffe://shop.example/checkout", operations: []),
        MerchantClient(id: "spiffe://shop.example/office"),
      ]),
  ])
  func `nothing that waits is done for a client that may not any more`(
    _ policy: Policy
  ) async throws {
    let token = try await house.token(of: Number.visa)
    let forbidden = "operation-not-permitted"
    #expect(try await change(to: policy) { try house.push(token, under: 1) }.problem == forbidden)
    try house.update(policy: Cast.policy)
    #expect(try await change(to: policy) { try house.delete(token, under: 1) }.problem == forbidden)
    try house.update(policy: Cast.policy)
    let new = try await change(to: policy) { try house.tokenize(Number.other, under: 1) }
    #expect(new.problem == forbidden)
    #expect(house.transport.sent.isEmpty)
    // The card is still there.
    try house.update(policy: Cast.policy)
    #expect(try await house.delete(token).value.status == 204)
  }

  @Test func `what is still permitted is done`() async throws {
    let token = try await house.token(of: Number.visa)
    let policy = Cast.makePolicy(generation: 2)
    #expect(try await change(to: policy) { try house.push(token, under: 1) }.status == 200)
    #expect(try await change(to: policy) { try house.delete(token, under: 1) }.status == 204)
  }

  @Test func `what was admitted under a policy that is not in force yet is decided by this one`()
    async throws
  {
    let token = try await house.token(of: Number.visa)
    try house.update(policy: Cast.makePolicy(generation: 1, shopOperations: []))
    let answer = try await house.delete(token, under: 2).value
    #expect(answer.problem == "operation-not-permitted")
  }
}
