import AuditLog
import Cards
import Glibc
import Keyring
import RecordFormat
import Storage
import TestSupport
import Testing
import Tokenization
import VaultCore

@testable import VaultManagement

/// The look at the whole store beside requests.
@Suite(.timeLimit(.minutes(5))) struct ScrubTests {
  private let house: TestVault

  init() throws { house = try TestVault() }

  /// Waits until the look that is due has come to its end.
  private func scrubbed(after former: UInt64? = nil) throws -> ScrubStatus {
    while true {
      let status = try house.vault.storeCheck
      if !status.isRunning, let ended = status.endedMilliseconds, ended != former { return status }
      try house.settle()
    }
  }

  private func reopenAsLarge() throws {
    house.options.isLarge = true
    try house.reopen()
  }

  @Test func `a small store is read before it is served, a large one soon after`() async throws {
    _ = try await house.token(of: Number.visa)
    #expect(try house.vault.storeCheck.endedMilliseconds != nil)
    try reopenAsLarge()
    #expect(try scrubbed().damaged == 0)
    #expect(try house.store.index.isProven)
    #expect(try !house.entries().contains { $0.contains("store.verify") })
  }

  @Test func `what was read before the vault was opened is not read again at once`() async throws {
    _ = try await house.token(of: Number.visa)
    do {
      let vault = try house.vault.vault
      // Before it is told how the vault was opened, it does not know.
      #expect(try !ScrubTask(vault).isDue(in: vault.opened().session))
    }
    for _ in 0..<5 {
      try house.reopen()
      try house.settle()
      let status = try house.vault.storeCheck
      #expect(status.total == 0 && status.endedMilliseconds != nil)
    }
  }

  @Test func `a damaged record is told once, refused, and ends nothing`() async throws {
    let damaged = try await house.token(of: Number.visa)
    let whole = try await house.token(of: Number.other)
    try house.damage(damaged, byte: 40)
    try reopenAsLarge()
    let first = try scrubbed()
    #expect(first.damaged == 1)
    house.time.pass(seconds: 86_400)
    try house.vault.tick()
    #expect(try scrubbed(after: first.endedMilliseconds).damaged == 1)
    #expect(try await house.tokenize(Number.visa).value.status == 500)
    #expect(text(of: try await house.pull(damaged).value) == "internal-error")
    #expect(text(of: try await house.pull(whole).value) == Number.other)
    let told = try house.entries().filter { $0.contains("store.verify") }
    #expect(
      told == [
        #"{"actor":"system","operation":"store.verify","outcome":"changed","reason":"records=1"}"#
      ])
    #expect(try house.entries().contains { $0.contains("rule=store-damaged") })
  }

  /// How many looks at the store the log tells of, where it is to be `count`: an entry comes after the
  /// end of its look.
  private func told(expecting count: Int) throws -> Int {
    var told = 0
    for _ in 0..<5_000 where told < count {
      try house.settle()
      told = try house.entries().count { $0.contains("store.verify") }
    }
    return told
  }

  /// Lets the look of the next day come to its end.
  private func scrubbedNextDay() throws -> ScrubStatus {
    let before = try scrubbed().endedMilliseconds
    house.time.pass(seconds: 86_400)
    try house.vault.tick()
    return try scrubbed(after: before)
  }

  @Test func `damage that comes after the end of another is told too`() async throws {
    let tokens = [
      try await house.token(of: Number.visa), try await house.token(of: Number.other),
    ]
    try house.damage(tokens[0], byte: 40)
    try reopenAsLarge()
    #expect(try scrubbed().damaged == 1)
    #expect(try told(expecting: 1) == 1)
    // It is whole again, and that was seen.
    try house.damage(tokens[0], byte: 40)
    #expect(try scrubbedNextDay().damaged == 0)
    try house.damage(tokens[0], byte: 40)
    #expect(try scrubbedNextDay().damaged == 1)
    #expect(try told(expecting: 2) == 2)
    // Another one in its place within a day is not the same either.
    try house.damage(tokens[0], byte: 40)
    try house.damage(tokens[1], byte: 40)
    #expect(try scrubbedNextDay().damaged == 1)
    #expect(try told(expecting: 3) == 3)
    #expect(try scrubbedNextDay().damaged == 1)
    #expect(try told(expecting: 3) == 3)
  }

  @Test func `an index that could not be compared is as soon as it can be`() async throws {
    let damaged = try await house.token(of: Number.visa)
    _ = try await house.token(of: Number.other)
    try house.damage(damaged, byte: 60)
    try reopenAsLarge()
    _ = try scrubbed()
    _ = try house.vault.rotate(.fingerprint, actor: "user:ann")
    while try house.vault.keyWork.isRunning { try house.settle() }
    try house.reopen()
    while try house.vault.keyWork.isRunning { try house.settle() }
    let first = try scrubbed()
    #expect(try house.vault.isReplacementHeldUp)
    #expect(try !house.store.index.isProven)
    // As long as that is held up, nothing is read for nothing.
    house.time.pass(seconds: 600)
    try house.vault.tick()
    for _ in 0..<20 { try house.settle() }
    #expect(try scrubbed().endedMilliseconds == first.endedMilliseconds)
    try house.damage(damaged, byte: 60)
    house.time.pass(seconds: 3_600)
    try house.vault.tick()
    while try house.vault.keyring.replacedFingerprintKey != nil { try house.settle() }
    try house.vault.tick()
    while try !house.store.index.isProven { try house.settle() }
    #expect(try house.store.index.isProven)
  }

  @Test func `a page that is lost ends writing, and the cause is told`() async throws {
    let lost = try await house.token(of: Number.visa)
    try reopenAsLarge()
    let before = try scrubbed()
    try loseLeaves(holding: lost.bytes.indices.map { lost.bytes[$0] })
    house.time.pass(seconds: 86_400)
    try house.vault.tick()
    while try await house.tokenize(Number.other).value.problem != "unavailable" {}
    // The owner is told after those who wait.
    while house.end.cause == nil { await Task.yield() }
    #expect(try house.vault.storeCheck.endedMilliseconds == before.endedMilliseconds)
    guard case .damaged(let file, .some)? = house.end.cause else {
      Issue.record("writing ended for another reason")
      return
    }
    #expect(file.hasSuffix("/cards.mdb"))
  }

  @Test func `an index that does not say what the records do is built anew`() async throws {
    let token = try await house.token(of: Number.visa)
    try reopenAsLarge()
    let first = try scrubbed()
    for slot in StoreIndex.Slot.allCases {
      var entries: [[UInt8]] = []
      let index = try house.store.index
      var walk = PieceWalk()
      while !walk.isAtEnd {
        try index.readPiece(of: slot, &walk) { (key, _) throws(StorageError) in
          entries.append(unsafe key.withUnsafeBytes { unsafe Array($0) })
          return true
        }
      }
      for entry in entries {
        try index.write(to: slot) { (change) throws(StorageError) in
          try change.set(unsafe entry.span.bytes, to: nil)
        }
      }
    }
    house.time.pass(seconds: 86_400)
    try house.vault.tick()
    _ = try scrubbed(after: first.endedMilliseconds)
    var answer = try await house.tokenize(Number.visa).value
    while answer.status == 503 { answer = try await house.tokenize(Number.visa).value }
    #expect(answer.status == 200)
    #expect(try answer.token == token)
    #expect(try house.vault.indexHistory.losses == 1)
  }

  /// Writes zeros over every leaf of the store that holds, or has held, these bytes.
  private func loseLeaves(holding bytes: [UInt8]) throws {
    let path = house.directory.store + "/cards.mdb"
    let file = try fileBytes(of: path)
    let descriptor = unsafe open(path, O_RDWR)
    defer { close(descriptor) }
    let zeros = [UInt8](repeating: 0, count: 4_096)
    var lost = 0
    for offset in stride(from: 2 * 4_096, to: file.count, by: 4_096) {
      let page = file[offset..<min(offset + 4_096, file.count)]
      // The newest token stands in `meta` too.
      guard page.firstRange(of: bytes) != nil,
        page.firstRange(of: Array("newest-token".utf8)) == nil
      else { continue }
      let count = unsafe zeros.withUnsafeBytes {
        unsafe pwrite(descriptor, $0.baseAddress, 4_096, off_t(offset))
      }
      try #require(count == 4_096)
      lost += 1
    }
    try #require(lost > 0)
  }
}
