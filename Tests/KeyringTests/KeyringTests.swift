import Bytes
import Cryptography
import Glibc
import RecordFormat
import Storage
import TestSupport
import Testing

@testable import Keyring

@Suite struct KeyringTests {
  private let directory: TemporaryDirectory
  private let store: Store
  private static let row = Array("keyring".utf8)

  init() throws {
    directory = try TemporaryDirectory()
    store = try directory.newStore()
  }

  private func blob(of store: Store) throws -> [UInt8] {
    try store.read { transaction in
      guard let blob = try transaction.get(Self.row.rawSpan, in: .keyring) else { return [] }
      return blob.array
    }
  }

  private func put(_ blob: [UInt8], in store: Store) throws {
    try store.write { transaction in
      try transaction.put(key: Self.row.rawSpan, value: blob.rawSpan, in: .keyring)
    }
  }

  private func openError(_ store: Store) -> KeyringError? {
    do {
      _ = try KeyringStore.open(in: store, source: directory.keys)
      return nil
    } catch {
      return error
    }
  }

  private func storedHeader() throws -> KeyringHeader? {
    try store.read { transaction in try KeyringStore.header(in: transaction) }
  }

  private var header: KeyringHeader {
    get throws {
      let bytes = try blob(of: store)
      return try KeyringHeader(of: bytes.rawSpan)
    }
  }

  @Test func `a new keyring has one active key of each role`() throws {
    let keyring = try KeyringStore.open(in: store, source: directory.keys)
    let status = try keyring.status(cards: [keyring.activeDataKey.identifier: 7], atMilliseconds: 0)
    #expect(status.map(\.role) == [.kek, .data, .fingerprint, .audit])
    #expect(status.allSatisfy { $0.state == .active })
    #expect(Set(status.map(\.identifier)).count == 4)
    #expect(status.map(\.cards) == [nil, 7, nil, nil])
    let year: UInt64 = 365 * 86_400_000
    #expect(
      status.map { ($0.cryptoperiodEndMilliseconds - $0.createdMilliseconds) / year }
        == [1, 1, 2, 2])
    #expect(keyring.generation == 1)
    #expect(keyring.keyEncryptionKeyIdentifier == status[0].identifier)
  }

  @Test func `check values are ten hexadecimal digits and stay the same`() throws {
    let first = try KeyringStore.open(in: store, source: directory.keys).status(
      cards: [:], atMilliseconds: 0)
    let second = try KeyringStore.open(in: store, source: directory.keys).status(
      cards: [:], atMilliseconds: 0)
    #expect(first == second)
    for key in first {
      let value = try #require(key.checkValue)
      #expect(value.utf8.count == 10)
      #expect(value.allSatisfy { $0.isHexDigit && !$0.isLowercase })
    }
    #expect(Set(first.map(\.checkValue)).count == 4)
  }

  @Test func `the header names the key in clear`() throws {
    let keyring = try KeyringStore.open(in: store, source: directory.keys)
    let stored = try storedHeader()
    let header = try #require(stored)
    #expect(header.kekIdentifier == keyring.keyEncryptionKeyIdentifier)
    #expect(header.generation == 1)
    #expect(try directory.keyFile().hasSuffix("/\(header.kekIdentifier.text).kek"))
  }

  @Test func `another key under the same name does not open the keyring`() throws {
    try TemporaryDirectory.replace(try directory.keyFile(), count: 32)
    #expect(openError(store) == .keyringDoesNotOpen(try header.kekIdentifier))
  }

  @Test func `without the key's file the keyring stays closed`() throws {
    unsafe unlink(try directory.keyFile())
    #expect(
      openError(store)
        == .keyEncryptionKeyMissing(
          try header.kekIdentifier, directory: directory.keys.directory))
  }

  @Test func `a key's file that others may read is not used`() throws {
    let path = try directory.keyFile()
    #expect(unsafe chmod(path, 0o644) == 0)
    #expect(openError(store) == .keyFileMode(path: path, mode: 0o644))
  }

  @Test func `a store without a keyring says so`() throws {
    try store.write { transaction in
      _ = try transaction.delete(Self.row.rawSpan, in: .keyring)
    }
    #expect(openError(store) == .noKeyring)
    #expect(try storedHeader() == nil)
  }

  @Test func `the keyring of another store does not open`() throws {
    let identifier = try header.kekIdentifier
    let other = try directory.newStore("other", first: 100)
    try put(try blob(of: store), in: other)
    #expect(openError(other) == .keyringDoesNotOpen(identifier))
  }

  @Test func `a keyring whose generation was changed does not open`() throws {
    let identifier = try header.kekIdentifier
    var changed = try blob(of: store)
    changed[12] += 1
    try put(changed, in: store)
    #expect(openError(store) == .keyringDoesNotOpen(identifier))
  }

  @Test func `a keyring that names another key does not open under that`() throws {
    let other = KeyIdentifier(0x0102_0304)
    let path = try directory.keyFile()
    #expect(unsafe link(path, directory.keys.place(of: other)) == 0)
    var changed = try blob(of: store)
    changed.replaceSubrange(1..<5, with: [1, 2, 3, 4])
    try put(changed, in: store)
    #expect(openError(store) == .keyringDoesNotOpen(other))
  }

  @Test func `a bit that is flipped anywhere is found`() throws {
    let whole = try blob(of: store)
    var unnoticed: [Int] = []
    for index in stride(from: 0, to: whole.count, by: 7) {
      var changed = whole
      changed[index] ^= 1
      try put(changed, in: store)
      if openError(store) == nil { unnoticed.append(index) }
    }
    #expect(unnoticed.isEmpty)
    try put(whole, in: store)
    #expect(openError(store) == nil)
  }

  @Test func `a keyring that is cut short is malformed`() throws {
    for count in [1, 12, 40] {
      try put(Array(try blob(of: store).prefix(count)), in: store)
      #expect(openError(store) == .malformedKeyring)
    }
  }

  @Test func `each time a keyring is sealed it looks different`() throws {
    let keyring = try KeyringStore.open(in: store, source: directory.keys)
    let first = try keyring.seal(store: store.storeIdentifier)
    let second = try keyring.seal(store: store.storeIdentifier)
    #expect(first.count == second.count)
    #expect(first.dropFirst(13) != second.dropFirst(13))
  }

  @Test func `no key stands in clear in the store`() throws {
    let keyring = try KeyringStore.open(in: store, source: directory.keys)
    let file = try fileBytes(of: directory.path + "/store/cards.mdb")
    for entry in keyring.entries {
      guard let material = entry.material else { continue }
      let key = material.withUnprotectedKeyBytes { key in key.array }
      #expect(file.firstRange(of: key[..<8]) == nil)
    }
  }
}
