import CardStore
import Cards
import Glibc
import Ledgers
import SecretMemory
import Storage
import TestSupport
import Testing
import Tokenization
import VaultCore
import VaultManagement

/// The vault over a store that is full, busy, damaged, or was left in a hurry.
@Suite(.timeLimit(.minutes(30))) struct StoreTests {
  @Test func `a full store refuses new cards and still deletes`() async throws {
    var options = TestVault.Options()
    options.mapSize = 2 << 20
    options.slots = 200
    let house = try TestVault(options)
    var tokens: [Token] = []
    var full: Answer?
    while full == nil, tokens.count < 10_000 {
      let replies = try (0..<40).map { _ in try house.tokenize(Number.visa, as: "plain-shop") }
      for reply in replies {
        let answer = await reply.value
        if answer.status == 201 { tokens.append(try answer.token) } else { full = answer }
      }
    }
    #expect(full?.status == 507)
    #expect(full?.problem == "store-full")
    #expect(try await house.tokenize(Number.visa, as: "plain-shop").value.status == 507)
    for token in tokens.prefix(20) {
      #expect(try await house.delete(token, as: "plain-shop").value.status == 204)
    }
    #expect(text(of: try await house.pull(tokens[0]).value) == "store-full")
    #expect(try house.auditFinding() == nil)
    try house.reopen()
    #expect(try house.store.read { try $0.count(of: .cards) } == tokens.count - 20)
    #expect(try house.auditFinding() == nil)
  }

  @Test func `past the queue's end requests are overloaded and nothing is lost`() async throws {
    var options = TestVault.Options()
    options.limits = WriterLimits(queue: 4, batch: 2, reservedQueue: 4)
    let house = try TestVault(options)
    let blocker = Blocker(try house.store)
    let replies = try (0..<8).map { _ in try house.tokenize(Number.visa, as: "plain-shop") }
    let deletion = try house.delete(nil)
    blocker.open()
    var statuses: [UInt16: Int] = [:]
    for reply in replies {
      let answer = await reply.value
      statuses[answer.status, default: 0] += 1
      if answer.status != 201 {
        #expect(answer.problem == "overloaded")
        #expect(answer.retryAfterSeconds == 1)
      }
    }
    #expect(statuses == [201: 4, 503: 4])
    #expect(await deletion.value.status == 404, "deletions have room of their own")
  }

  @Test func `after the stop requests are told so`() async throws {
    let house = try TestVault()
    let token = try await house.token(of: Number.visa)
    try house.vault.close()
    #expect(try await house.tokenize(Number.visa).value.problem == "shutting-down")
    #expect(try await house.delete(token).value.problem == "shutting-down")
    #expect(try await house.push(token).value.problem == "shutting-down")
    #expect(text(of: try await house.pull(token).value) == "shutting-down")
    #expect(house.transport.sent.isEmpty)
    #expect(try house.vault.paymentsInFlight == 0)
  }

  @Test func `known cards keep their tokens when the index is removed or truncated`()
    async throws
  {
    let house = try TestVault()
    var tokens: [Token] = []
    for number in [Number.visa, Number.mastercard, Number.amex] {
      tokens.append(try await house.token(of: number))
    }
    let path = house.directory.store + "/index.mdb"
    for damage in 0..<2 {
      try house.close()
      if damage == 0 {
        unsafe unlink(path)
      } else {
        #expect(unsafe truncate(path, 2 * 4_096) == 0)
      }
      var opened = 0
      try house.open { opened = $0 }
      #expect(opened == 3)
      for (number, token) in zip([Number.visa, Number.mastercard, Number.amex], tokens) {
        #expect(try await house.token(of: number) == token)
      }
    }
  }

  @Test func `known cards keep their tokens when the index is one of another store`()
    async throws
  {
    let house = try TestVault()
    let other = try TestVault(first: 77)
    let token = try await house.token(of: Number.visa)
    _ = try await other.token(of: Number.visa)
    try house.close()
    try other.close()
    let from = other.directory.store + "/index.mdb"
    let to = house.directory.store + "/index.mdb"
    #expect(unsafe rename(from, to) == 0)
    try house.open()
    #expect(try await house.token(of: Number.visa) == token)
  }

  @Test func `a damaged card is refused with an entry and nothing else suffers`() async throws {
    let house = try TestVault()
    let damaged = try await house.token(of: Number.visa)
    let whole = try await house.token(of: Number.mastercard)
    try house.damage(damaged, byte: 60)
    try house.crash()
    try house.open()
    #expect(text(of: try await house.pull(damaged).value) == "internal-error")
    let push = try await house.push(damaged).value
    #expect(push.status == 500)
    #expect(push.problem == "internal-error")
    #expect(try await house.delete(damaged).value.problem == "internal-error")
    #expect(try house.entries().filter { $0.contains("\"reason\":\"internal-error\"") }.count == 3)
    #expect(house.transport.sent.isEmpty)
    #expect(text(of: try await house.pull(whole).value) == Number.mastercard)
    let again = try await house.tokenize(Number.visa).value
    #expect(again.status == 201)
    #expect(text(of: try await house.pull(again.token).value) == Number.visa)
    let verifier = try CardVerifier(
      store: house.store, keyring: house.keyring, slots: house.slots)
    #expect(try verifier.verify(comparesIndex: false).damaged == [RecordKey(damaged)])
    #expect(try house.auditFinding() == nil)
  }

  @Test func `without memory for a card on its way out a request is overloaded`() async throws {
    let house = try TestVault()
    let token = try await house.token(of: Number.visa)
    try house.settle()
    let others = Leases(house.slots)
    #expect(text(of: try await house.pull(token).value) == "overloaded")
    #expect(try await house.push(token).value.problem == "overloaded")
    #expect(try house.entries().count == 1, "what tells of the service alone is not written")
    others.end()
    #expect(text(of: try await house.pull(token).value) == Number.visa)
  }

  @Test func `two merchants' clients with one identity are strangers to each other`()
    async throws
  {
    let house = try TestVault()
    let own = try await house.tokenize(Number.visa, key: "k").value
    let other = try await house.tokenize(Number.visa, key: "k", as: "other-shop", actor: "shop")
      .value
    #expect(other.status == 201)
    #expect(try other.token != own.token)
  }

  @Test func `no file of the store holds anything of a card in clear`() async throws {
    let house = try TestVault()
    let numbers = [Number.visaCB, Number.visa, Number.mastercard, Number.amex]
    for number in numbers {
      let token = try await house.tokenize(number, key: "k-\(number)").value.token
      _ = try await house.push(token, key: "p-\(number)").value
      _ = try await house.pull(token).value
      _ = try await house.tokenize(number, year: 2029).value
    }
    try house.crash()
    try house.open()
    _ = try await house.delete(try await house.token(of: Number.amex)).value
    try house.close()
    var found: [String] = []
    for name in TemporaryDirectory.files(in: house.directory.store) {
      let bytes = try fileBytes(of: house.directory.store + "/" + name)
      for number in numbers {
        for (form, pattern) in Self.forms(of: number) where bytes.firstRange(of: pattern) != nil {
          found.append("\(name): \(form)")
        }
      }
    }
    #expect(found.isEmpty)
  }

  /// How a number could stand in a file: in ASCII, packed, and in both orders of UTF-16; and the
  /// middle digits alone, which no view shows.
  private static func forms(of number: String) -> [(String, [UInt8])] {
    let ascii = Array(number.utf8)
    let digits = ascii.map { $0 - UInt8(ascii: "0") }
    func packed(_ digits: [UInt8]) -> [UInt8] {
      stride(from: 0, to: digits.count - 1, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }
    return [
      ("ASCII", ascii), ("middle", Array(ascii[6...].dropLast(3))), ("digits", digits),
      ("BCD", packed(digits)), ("BCD, shifted", packed([0] + digits)),
      ("UTF-16 BE", ascii.flatMap { [0, $0] }), ("UTF-16 LE", ascii.flatMap { [$0, 0] }),
    ]
  }
}

/// Every slot that is free, until the end.
private final class Leases {
  private final class Lease {
    let slot: SecretSlot
    init(_ slot: consuming SecretSlot) { self.slot = slot }
  }

  private var leases: [Lease] = []

  init(_ pool: SecretPool) {
    while let slot = pool.lease() { leases.append(Lease(slot)) }
  }

  func end() { leases = [] }
}
