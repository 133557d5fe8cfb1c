import AuditLog
import Bytes
import Cards
import Glibc
import Keyring
import RecordFormat
import Storage
import TestSupport
import Testing

@testable import Ledgers
@testable import Tokenization
@testable import VaultCore
@testable import VaultManagement

/// Work on keys under difficulties: counts that lie, queues that are full, sources out of reach.
@Suite struct KeyWorkTests {
  private func wait(for house: TestVault) throws {
    while try house.vault.keyWork.isRunning { try house.settle() }
  }

  @Test func `a re-encryption ends although a count is too high`() async throws {
    let house = try TestVault()
    _ = try await house.token(of: Number.visa)
    let old = try house.vault.keyring.activeDataKey.identifier
    try house.close()
    try house.open()
    let row = Array("cards/".utf8) + old.value.bigEndianBytes
    let two = UInt64(2).bigEndianBytes
    try house.store.perform { transaction in
      try transaction.put(key: row.rawSpan, value: two.rawSpan, in: .meta)
    }
    try house.reopen()
    _ = try house.vault.rotate(.data, actor: "user:ann")
    try house.vault.beginReencryption(cardsPerSecond: 0, actor: "user:ann")
    try wait(for: house)
    #expect(try !house.vault.isReencrypting)
    #expect(try house.lines().contains { $0.contains("moved=1 left=1") })
  }

  @Test func `a re-encryption outlives a full queue`() async throws {
    var options = TestVault.Options()
    options.limits = WriterLimits(queue: 4, batch: 2)
    options.slots = 4_096
    let house = try TestVault(options)
    for number in [Number.visa, Number.visaCB, Number.amex] {
      _ = try await house.token(of: number)
    }
    _ = try house.vault.rotate(.data, actor: "user:ann")
    try house.vault.beginReencryption(cardsPerSecond: 4, actor: "user:ann")
    while try house.vault.keyWork.isRunning {
      let replies = try (0..<200).map { _ in try house.tokenize(Number.visa) }
      for reply in replies { _ = await reply.value }
    }
    #expect(try house.vault.keyWork.failure == nil)
    #expect(try house.vault.cardsToMove() == 0)
  }

  @Test func `rotations of the fingerprint key at once leave every card its token`() async throws {
    let house = try TestVault()
    let numbers = [Number.visa, Number.visaCB, Number.amex, Number.mastercard, Number.other]
    var tokens: [Token] = []
    for number in numbers { tokens.append(try await house.token(of: number)) }
    for _ in 0..<12 {
      let vault = try house.vault
      await withTaskGroup(of: Void.self) { group in
        for _ in 0..<4 {
          group.addTask { _ = try? vault.rotate(.fingerprint, actor: "user:ann") }
        }
      }
      try wait(for: house)
      for (number, token) in zip(numbers, tokens) {
        #expect(try await house.token(of: number) == token)
      }
    }
  }

  @Test func `a destruction that cannot be completed keeps no other work from going on`()
    async throws
  {
    var options = TestVault.Options()
    options.isSourceOutOfReach = true
    let house = try TestVault(options)
    _ = try await house.token(of: Number.visa)
    let old = try house.vault.keyring.keyEncryptionKeyIdentifier
    let next = try house.source.make(besides: [old])
    _ = try house.vault.replaceKeyEncryptionKey(by: next, origin: .rotation, actor: "user:ann")
    let reason = try #require(KeyReason(ticket: "CHG-1", text: ""))
    _ = try house.vault.destroy(old, because: reason, actor: "user:ann", persons: 1)
    try wait(for: house)
    #expect(try house.vault.keyring.entry(old)?.state == .destroying)
    #expect(try house.vault.keyWork.failure != nil)
    _ = try house.vault.rotate(.data, actor: "user:ann")
    try house.vault.beginReencryption(cardsPerSecond: 0, actor: "user:ann")
    try wait(for: house)
    #expect(try house.vault.cardsToMove() == 0)
    #expect(try !house.vault.isReencrypting)
  }

  @Test func `a KEK is destroyed only where the one in force lies`() async throws {
    let house = try TestVault()
    let old = try house.vault.keyring.keyEncryptionKeyIdentifier
    let next = try house.source.make(besides: [old])
    _ = try house.vault.replaceKeyEncryptionKey(by: next, origin: .rotation, actor: "user:ann")
    let reason = try #require(KeyReason(ticket: "CHG-1", text: ""))
    // A mount point is there, also when nothing is mounted on it.
    let keys = house.source.directory
    let hidden = "\(keys).hidden"
    try #require(unsafe rename(keys, hidden) == 0 && mkdir(keys, 0o700) == 0)
    _ = try house.vault.destroy(old, because: reason, actor: "user:ann", persons: 1)
    try wait(for: house)
    #expect(try house.vault.keyring.entry(old)?.state == .destroying)
    #expect(try house.vault.keyWork.failure != nil)
    #expect(try !house.entries().contains { $0.contains("keys.destroy") && $0.contains("done") })
    try #require(unsafe rmdir(keys) == 0 && rename(hidden, keys) == 0)
    #expect(unsafe access(house.source.place(of: old), F_OK) == 0)
    _ = try house.vault.destroy(old, because: reason, actor: "user:ann", persons: 1)
    try wait(for: house)
    #expect(try house.vault.keyring.entry(old)?.state == .destroyed)
    #expect(try house.vault.keyWork.failure == nil)
    #expect(unsafe access(house.source.place(of: old), F_OK) != 0)
  }

  @Test func `a rotation before the first card leaves an index that is no older copy's`() throws {
    let house = try TestVault()
    _ = try house.vault.rotate(.fingerprint, actor: "user:ann")
    try wait(for: house)
    for _ in 0..<2 {
      try house.reopen()
      #expect(try house.vault.indexHistory == IndexHistory.Figures())
    }
  }

  @Test func `nobody fills the keyring with rotations`() throws {
    let house = try TestVault()
    for _ in 0..<KeyringChange.mostRotationsInADay {
      _ = try house.vault.rotate(.audit, actor: "user:ann")
    }
    #expect(throws: VaultError.keyring(.rotatedTooOften(.audit))) {
      try house.vault.rotate(.audit, actor: "user:ann")
    }
    _ = try house.vault.rotate(.data, actor: "user:ann")
    house.time.pass(seconds: 86_401)
    _ = try house.vault.rotate(.audit, actor: "user:ann")
  }
}
