import Bytes
import Cards
import Cryptography
import Keyring
import RecordFormat
import Storage
import Testing

@testable import CardStore

extension IndexPace {
  /// A flush at every ten entries, in transactions of three.
  static let quick: IndexPace = {
    var pace = IndexPace()
    pace.entriesPerFlush = 10
    pace.entriesPerTransaction = 3
    pace.entriesPerHurriedTransaction = 3
    pace.longestPauseNanoseconds = 1_000
    return pace
  }()
}

// MARK: - The index of a house

extension CardHouse {
  /// That the customers' cards have these tokens.
  func expect(
    _ tokens: [Token], of customers: Range<Int>, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    #expect(try tokenize(customers: customers) == tokens, sourceLocation: sourceLocation)
    #expect(try verify().isSound, sourceLocation: sourceLocation)
  }

  func mark(_ token: Token, store first: UInt8) throws -> IndexMark {
    let identifier = try #require(StoreIdentifier(Array(first..<first + 16)))
    return IndexMark(
      storeIdentifier: identifier, fingerprintKey: try keyring.activeFingerprintKey.identifier,
      token: token)
  }

  func write(_ mark: IndexMark) throws {
    let row = mark.encode()
    try store.index.write(to: .first) { (change) throws(StorageError) in
      try change.setMark(row.rawSpan)
    }
  }

  func fingerprint(of number: String, customer: String? = nil) throws -> Digest256 {
    let cipher = try CardCipher(keyring: keyring, slots: slots)
    let card = try card(number)
    return try cipher.fingerprint(
      card.pan, merchant: 1, customer: customer.flatMap { CustomerReference($0) })
  }

  func fingerprints(of customers: Range<Int>) throws -> [Digest256] {
    try customers.map { try fingerprint(of: Number.visa, customer: "c-\($0)") }
  }
}

// MARK: - Rotations of the fingerprint key

extension CardHouse {
  func change(
    _ body: @escaping (inout KeyringChange) throws(KeyringError) -> Void
  ) throws {
    let keys = try self.keys
    try perform { try keys.change(in: &$0, body) }
  }

  func rotate() throws {
    try change { (change) throws(KeyringError) in
      _ = try change.rotate(
        .fingerprint, cryptoperiodSeconds: 1_000, atMilliseconds: UInt64(CardHouse.start))
    }
  }

  func endRotation() throws {
    try change { (change) throws(KeyringError) in
      _ = change.endFingerprintRotation(atMilliseconds: UInt64(CardHouse.start))
    }
  }

  func scan() throws -> FingerprintScan {
    try #require(
      try FingerprintScan(store: store, keyring: keyring, slots: slots) { _ in
        true
      })
  }
}
