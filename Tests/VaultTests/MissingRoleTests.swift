import Bytes
import Cryptography
import Keyring
import RecordFormat
import SecretMemory
import Storage
import TestSupport
import Testing

@testable import Ledgers
@testable import Tokenization
@testable import VaultCore
@testable import VaultManagement

/// A store whose keyring lacks a key of a role, as one of a version that did not know the role.
@Suite struct MissingRoleTests {
  private let house: TestVault

  init() throws { house = try TestVault() }

  /// Seals the keyring anew, without the keys of `role`.
  private func forget(_ role: KeyRole) throws {
    let keyring = try house.vault.keyring
    let kek = try house.source.load(keyring.keyEncryptionKeyIdentifier)
    var cipher = try kek.withUnprotectedKeyBytes { try XAES256GCM(key: $0) }
    try house.close()
    let store = try Store.open(at: house.directory.store, mapSize: house.options.mapSize)
    let header = KeyringHeader(kekIdentifier: kek.identifier, generation: keyring.generation)
    let identifier = store.storeIdentifier.bytes
    let nonce = [UInt8](repeating: 9, count: XAES256GCM.nonceSize)
    let blob = try KeyringBlob.seal(
      keyring.entries.filter { $0.role != role }, header: header,
      store: identifier.rawSpan, nonce: nonce.rawSpan, cipher: &cipher)
    try store.write { transaction in
      try transaction.put(
        key: Array("keyring".utf8).rawSpan, value: blob.rawSpan, in: .keyring)
    }
  }

  @Test func `it gets one when it is opened, with an entry, and keeps it`() async throws {
    let token = try await house.token(of: Number.visa)
    let before = try house.vault.keyring
    let entries = try house.entries().count
    try forget(.audit)
    try house.open()
    let keyring = try house.vault.keyring
    let added = try keyring.current(.audit)
    #expect(before.entry(added.identifier) == nil)
    #expect(keyring.generation == before.generation + 1)
    #expect(try await house.token(of: Number.visa) == token)
    let check = try #require(added.checkValue.map(KeyCheckValue.text))
    let new = try house.entries().dropFirst(entries).filter { $0.contains("keys.create") }
    #expect(new.count == 1)
    #expect(new.first?.contains("\"actor\":\"system\"") == true)
    #expect(new.first?.contains("role=audit check_value=\(check)") == true)
    #expect(try house.auditFinding() == nil)
    try house.close()
    try house.open()
    #expect(try house.vault.keyring.current(.audit).identifier == added.identifier)
    #expect(try house.vault.keyring.generation == keyring.generation)
  }
}
