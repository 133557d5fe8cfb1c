import Glibc
import RecordFormat
import Storage
import TestSupport
import Testing

@testable import Keyring

/// What each kind of source answers to the same questions.
@Suite struct KeySourceTests {
  private let directory: TemporaryDirectory
  private let identifier = KeyIdentifier(0x0a1b_2c3d)
  private let known = [KeyIdentifier(1)]

  init() throws { directory = try TemporaryDirectory() }

  private var credentials: CredentialKeySource {
    CredentialKeySource(directory: directory.keys.directory)
  }

  /// What `body` throws.
  private func error(_ body: () throws(KeyringError) -> Void) -> KeyringError? {
    do throws(KeyringError) {
      try body()
      return nil
    } catch { return error }
  }

  @Test func `a file is made, loaded and destroyed`() throws {
    let key = try directory.keys.make(besides: [])
    #expect(try directory.keys.load(key.identifier).checkValue() == key.checkValue())
    try directory.keys.destroy(key.identifier)
    try directory.keys.destroy(key.identifier)
    #expect(unsafe access(directory.keys.place(of: key.identifier), F_OK) != 0)
    // With its directory gone too, nobody can say that it was destroyed.
    let path = directory.keys.directory
    #expect(unsafe rmdir(path) == 0)
    #expect(
      error { () throws(KeyringError) in try directory.keys.destroy(key.identifier) }
        == .keySource(path: path, errno: ENOENT))
  }

  @Test func `a credential is read, and made and removed by root alone`() throws {
    let key = try directory.keys.make(besides: [])
    #expect(try credentials.load(key.identifier).checkValue() == key.checkValue())
    for (known, isFirst) in [([], true), (known, false)] {
      #expect(
        error { () throws(KeyringError) in _ = try credentials.make(besides: known) }
          == .sourceRefuses(.credentialIsReadOnly(isFirst: isFirst)))
    }
    #expect(
      error { () throws(KeyringError) in try credentials.destroy(key.identifier) }
        == .sourceRefuses(.credentialRemains(key.identifier)))
    try directory.keys.destroy(key.identifier)
    try credentials.destroy(key.identifier)
  }

  @Test func `without credentials there is no key, and that is found when one is asked for`() {
    let source = CredentialKeySource(directory: nil)
    let none = KeyringError.sourceRefuses(.noCredentials)
    #expect(error { () throws(KeyringError) in _ = try source.load(identifier) } == none)
    #expect(error { () throws(KeyringError) in try source.destroy(identifier) } == none)
  }

  @Test func `custodians give no key, and a key of before them is destroyed where it lies`() throws
  {
    let former = try directory.keys.make(besides: [])
    let source = CustodianKeySource(formerPath: directory.keys.directory)
    let nowhere = CustodianKeySource(formerPath: nil)
    #expect(
      error { () throws(KeyringError) in _ = try source.load(identifier) }
        == .sourceRefuses(.sharesNeeded))
    #expect(
      error { () throws(KeyringError) in _ = try source.make(besides: []) }
        == .sourceRefuses(.ceremonyNeeded))
    #expect(
      error { () throws(KeyringError) in _ = try source.make(besides: known) }
        == .sourceRefuses(.sharesNeeded))
    #expect(
      error { () throws(KeyringError) in try nowhere.destroy(former.identifier) }
        == .sourceRefuses(.noFormerPath(former.identifier)))
    try source.destroy(former.identifier)
    #expect(unsafe access(directory.keys.place(of: former.identifier), F_OK) != 0)
  }

  @Test func `one that is not there counts as destroyed only beside the key in force`() throws {
    let keyring = try KeyringStore.open(in: directory.newStore(), source: directory.keys)
    let inForce = keyring.keyEncryptionKeyIdentifier
    let entry = KeyringEntry(
      identifier: identifier, role: .kek, state: .destroying, origin: .rotation,
      createdMilliseconds: 0, cryptoperiodSeconds: 1, material: nil)
    try directory.keys.destroy(entry, of: keyring)
    let empty = directory.path + "/mountpoint"
    try #require(unsafe mkdir(empty, 0o700) == 0)
    let missing = KeyringError.keyOutOfReach(identifier, besides: inForce, directory: empty)
    for source in [
      FileKeySource(directory: empty), CredentialKeySource(directory: empty),
    ] as [any KeyEncryptionKeySource] {
      #expect(
        error { () throws(KeyringError) in try source.destroy(entry, of: keyring) } == missing)
    }
    // Another key of its name says as little.
    try FileKeySource(directory: empty).create(inForce, KeyEncryptionKey.makeSecret())
    #expect(
      error { () throws(KeyringError) in
        try FileKeySource(directory: empty).destroy(entry, of: keyring)
      } == .keyringDoesNotOpen(inForce))
  }

  @Test func `a key of a ceremony lies in no source`() throws {
    let keyring = try KeyringStore.open(in: directory.newStore(), source: directory.keys)
    let entry = KeyringEntry(
      identifier: identifier, role: .kek, state: .destroying, origin: .ceremony,
      createdMilliseconds: 0, cryptoperiodSeconds: 1, material: nil)
    for source in [CredentialKeySource(directory: nil), CustodianKeySource(formerPath: nil)]
      as [any KeyEncryptionKeySource]
    { try source.destroy(entry, of: keyring) }
  }

  @Test func `a source that does not fit the store is refused at the start`() throws {
    let store = try directory.newStore()
    let key = try KeyringStore.keyEncryptionKeyIdentifier(of: store)
    #expect(try KeyringStore.openAtStart(of: store, source: directory.keys) != nil)
    let custodians = CustodianKeySource(formerPath: nil)
    #expect(
      error { () throws(KeyringError) in
        _ = try KeyringStore.openAtStart(of: store, source: custodians)
      } == .sourceRefuses(.notHeldByCustodians(key)))
  }
}
