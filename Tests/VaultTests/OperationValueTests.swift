import AccessPolicy
import AuditLog
import Bytes
import Cards
import Keyring
import SecretMemory
import Storage
import TestSupport
import Testing

@testable import Ledgers
@testable import Tokenization
@testable import VaultCore

/// What clients ask is a value, which is done in a transaction without a writer's thread.
@Suite struct OperationValueTests {
  private let house: TestVault
  private let store: Store
  private let books: Books

  init() throws {
    house = try TestVault()
    try house.close()
    store = try Store.open(at: house.directory.store, mapSize: 64 << 20)
    let settings = Vault.Settings(
      slots: house.slots, limits: WriterLimits(), refusalsStoredPerMinute: 60)
    books = try Books(of: store, settings, clock: house.time.clock)
    let keyring = try KeyringStore.open(in: store, source: house.source)
    let session = try VaultSession(keyring, in: store, books, settings)
    try store.write(as: books) { [books] (_) throws(VaultError) in books.open(session) }
  }

  private func done<Work: ClientOperation & ~Copyable>(
    _ work: consuming Work, as name: String = "shop"
  ) throws -> Work.Output {
    let caller = try Cast.caller(name, transport: house.transport)
    var work = work
    return try store.write(as: books) { (transaction) throws(VaultError) in
      try work.apply(books, for: caller, in: &transaction)
    }
  }

  private func tokenize(_ number: String) throws -> Answer {
    guard let slot = house.slots.lease() else { throw Missing(what: "a slot") }
    let pan = try PAN.parse(Array(number.utf8).rawSpan, into: slot)
    let match = try BrandTable.standard.match(pan)
    let details = CardDetails(
      expiry: try Expiry(month: 12, year: 2028), preferredBrand: nil, customer: nil)
    return try done(
      TokenizeOperation(
        TokenizeRequest(number: pan, match: match, details: .success(details), idempotency: nil),
        deduplicates: true))
  }

  @Test func `a card is stored, found, read and deleted`() throws {
    let first = try tokenize(Number.visaCB)
    #expect(first.status == 201)
    let second = try tokenize(Number.visaCB)
    #expect(second.status == 200)
    let token = try second.token
    let card = try done(PullOperation(token: token), as: "credit-du-nord")
    #expect(text(of: .success(card)) == Number.visaCB)
    #expect(try done(DeleteOperation(token: token)).status == 204)
    #expect(throws: VaultError.refused(Problem(.tokenNotFound))) {
      try done(DeleteOperation(token: token))
    }
    #expect(try store.read { try $0.count(of: .cards) } == 0)
  }

  @Test func `what is refused changes nothing`() throws {
    let token = try tokenize(Number.visa).token
    let before = books.audit.committedSize
    #expect(throws: VaultError.refused(Problem(.tokenNotFound))) {
      try done(DeleteOperation(token: token), as: "other-shop")
    }
    #expect(throws: VaultError.refused(Problem(.operationNotPermitted))) {
      try done(DeleteOperation(token: token), as: "credit-du-nord")
    }
    #expect(books.audit.committedSize == before)
  }
}
