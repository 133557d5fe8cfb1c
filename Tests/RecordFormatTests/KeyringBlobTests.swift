import Bytes
import Cryptography
import RecordFormat
import SecretMemory
import TestSupport
import Testing

/// An entry in the words of the golden file.
private func describe(_ entry: KeyringEntry) -> String {
  let material = entry.material?.withUnprotectedKeyBytes { ($0).array.hexadecimal } ?? ""
  let fields: [String] = [
    entry.identifier.text, String(entry.role.rawValue), String(entry.state.rawValue),
    String(entry.origin.rawValue), String(entry.createdMilliseconds),
    String(entry.cryptoperiodSeconds), String(entry.deactivatedMilliseconds ?? 0),
    String(entry.compromisedMilliseconds ?? 0), String(entry.destroyedMilliseconds ?? 0),
    (entry.successor ?? KeyIdentifier(0)).text,
    (entry.checkValue ?? [0, 0, 0, 0, 0]).hexadecimal, material,
  ]
  return fields.joined(separator: " ").trimmingSuffix(" ")
}

extension String {
  fileprivate func trimmingSuffix(_ suffix: String) -> String {
    hasSuffix(suffix) ? String(dropLast(suffix.count)) : self
  }
}

/// A key of 32 equal bytes.
private func makeKey(
  _ identifier: UInt32, role: KeyRole = .data, state: KeyState = .active, materialCount: Int? = 32,
  deactivated: UInt64? = nil
) throws -> KeyringEntry {
  var material: KeyMaterial?
  if let materialCount {
    let bytes = [UInt8](repeating: UInt8(truncatingIfNeeded: identifier), count: materialCount)
    material = KeyMaterial(try SecretBytes(copying: bytes.rawSpan))
  }
  return KeyringEntry(
    identifier: KeyIdentifier(identifier), role: role, state: state, createdMilliseconds: 1,
    cryptoperiodSeconds: 2, deactivatedMilliseconds: deactivated, material: material)
}

private let store = [UInt8](repeating: 0x55, count: 16)
private let key = [UInt8](repeating: 0x66, count: 32)
private let nonce = [UInt8](repeating: 0x77, count: 24)
private let header = KeyringHeader(kekIdentifier: KeyIdentifier(9), generation: 3)

private func seal(_ entries: [KeyringEntry]) throws -> [UInt8] {
  var cipher = try XAES256GCM(key: key.rawSpan)
  return try KeyringBlob.seal(
    entries, header: header, store: store.rawSpan, nonce: nonce.rawSpan, cipher: &cipher)
}

private func open(_ blob: [UInt8], store: [UInt8] = store) throws -> [KeyringEntry] {
  var cipher = try XAES256GCM(key: key.rawSpan)
  return try KeyringBlob.open(blob.rawSpan, store: store.rawSpan, cipher: &cipher)
}

/// Wraps any plaintext, as a writer that does not keep to the format could.
private func wrap(_ plaintext: [UInt8]) throws -> [UInt8] {
  var cipher = try XAES256GCM(key: key.rawSpan)
  let clear: [UInt8] = [0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 3]
  let binding = Array("cadenas/keyring/v2".utf8) + store + clear
  var blob = [2] + clear + nonce
  try cipher.seal(
    plaintext.rawSpan, nonce: nonce.rawSpan,
    associatedData: binding.rawSpan, appendingTo: &blob)
  return blob
}

/// The plaintext of a keyring whose one entry has these bytes.
private func plaintext(count: UInt8 = 1, _ entries: [[UInt8]]) -> [UInt8] {
  [0, count] + entries.flatMap { $0 }
}

private func entryBytes(
  identifier: UInt8 = 1, role: UInt8 = 2, state: UInt8 = 1, length: UInt8 = 2,
  material: [UInt8] = [7, 8]
) -> [UInt8] {
  [0, 0, 0, identifier, role, state, 1] + [UInt8](repeating: 0, count: 49) + [length] + material
}

@Suite struct KeyringBlobTests {
  private let golden = GoldenFile(PackageResources.keyring_v2_txt).entries

  @Test func aKeyringOfVersion1Opens() throws {
    let first = GoldenFile(PackageResources.keyring_txt).entries
    #expect(first.count == 2)
    for golden in first {
      var cipher = try golden.cipher()
      let store = try golden.bytes("store")
      let blob = try golden.bytes("blob")
      let entries = try KeyringBlob.open(blob.rawSpan, store: store.rawSpan, cipher: &cipher)
      #expect(entries.count == golden.values.keys.count { $0.hasPrefix("entry ") })
      for (index, entry) in entries.enumerated() {
        // Origin, the times that version 1 does not have, successor and check value.
        var fields = describe(entry).split(separator: " ").map(String.init)
        #expect(fields[3] == "1")
        #expect(Array(fields[7..<11]) == ["0", "0", "00000000", "0000000000"])
        fields.removeSubrange(7..<11)
        fields.remove(at: 3)
        #expect(fields.joined(separator: " ") == (try golden.text("entry \(index)")))
      }
    }
  }

  @Test func aKeyringOpensAndIsWrappedAgainAsTheGoldenFileSays() throws {
    #expect(golden.count == 2)
    for golden in golden {
      let blob = try golden.bytes("blob")
      let header = try KeyringHeader(of: blob.rawSpan)
      #expect(header.kekIdentifier == (try golden.keyIdentifier("key id")))
      #expect(header.generation == (try golden.number("generation")))
      var cipher = try golden.cipher()
      let store = try golden.bytes("store")
      let entries = try KeyringBlob.open(blob.rawSpan, store: store.rawSpan, cipher: &cipher)
      #expect(entries.count == golden.values.keys.count { $0.hasPrefix("entry ") })
      for (index, entry) in entries.enumerated() {
        #expect(describe(entry) == (try golden.text("entry \(index)")))
      }
      let nonce = try golden.bytes("nonce")
      let again = try KeyringBlob.seal(
        entries, header: header, store: store.rawSpan, nonce: nonce.rawSpan,
        cipher: &cipher)
      #expect(again == blob)
    }
  }

  @Test func aKeyringOpensInItsOwnStoreOnly() throws {
    let blob = try seal([makeKey(1)])
    #expect(try open(blob).count == 1)
    #expect(throws: RecordError.authenticationFailed) {
      try open(blob, store: [UInt8](repeating: 0x56, count: 16))
    }
  }

  @Test func everyByteOfAKeyringIsProtected() throws {
    let blob = try seal([makeKey(1)])
    for index in blob.indices {
      var changed = blob
      changed[index] ^= 0x80
      let expected: RecordError = index == 0 ? .unsupportedVersion(0x82) : .authenticationFailed
      #expect(throws: expected) { try open(changed) }
    }
  }

  @Test func anotherLengthIsMalformed() throws {
    for count in [0, 1, 13, 37, 53, 54] {
      let blob = [UInt8](repeating: 1, count: count)
      #expect(throws: RecordError.malformed) { try KeyringHeader(of: blob.rawSpan) }
      #expect(throws: RecordError.malformed) { try open(blob) }
    }
  }

  @Test func anEntryHasMaterialWhereItHasToAndNowhereElse() throws {
    let wrong = try [
      makeKey(1, role: .kek), makeKey(1, state: .destroyed), makeKey(1, materialCount: nil),
      makeKey(1, state: .compromised, materialCount: nil), makeKey(1, materialCount: 0),
      makeKey(1, materialCount: 256), makeKey(1, deactivated: 0),
    ]
    for entry in wrong {
      #expect(throws: RecordError.invalidContent) { try seal([entry]) }
    }
    let right = try [
      makeKey(1, role: .kek, materialCount: nil), makeKey(2, state: .destroyed, materialCount: nil),
      makeKey(3, state: .destroying), makeKey(4, state: .destroying, materialCount: nil),
      makeKey(5, materialCount: 255), makeKey(6, materialCount: 1, deactivated: 1),
    ]
    #expect(try open(seal(right)).map(describe) == right.map(describe))
  }

  @Test func anIdentifierOccursOnce() throws {
    #expect(throws: RecordError.invalidContent) {
      try seal([makeKey(1), makeKey(1, role: .audit)])
    }
    let twice = try wrap(plaintext(count: 2, [entryBytes(), entryBytes(role: 3)]))
    #expect(throws: RecordError.invalidContent) { try open(twice) }
  }

  @Test func aKeyringHasABoundedNumberOfEntries() throws {
    let entries = try (0...KeyringBlob.mostEntries).map {
      try makeKey(UInt32($0), role: .kek, materialCount: nil)
    }
    #expect(throws: RecordError.tooLarge) { try seal(entries) }
    #expect(try open(seal(Array(entries.dropLast()))).count == KeyringBlob.mostEntries)
  }

  @Test(arguments: [
    plaintext(count: 0, [[0]]), plaintext(count: 2, [entryBytes()]),
    plaintext([entryBytes(), [0]]), plaintext([Array(entryBytes().dropLast())]),
    plaintext([Array(entryBytes().prefix(56))]), plaintext([entryBytes(length: 0)]),
    plaintext([entryBytes(length: 3)]), plaintext([entryBytes(role: 0)]),
    plaintext([entryBytes(role: 5)]), plaintext([entryBytes(state: 0)]),
    plaintext([entryBytes(state: 6)]), plaintext([entryBytes(state: 5)]),
    plaintext([entryBytes(role: 1)]), plaintext([entryBytes(length: 0, material: [])]),
  ])
  func whatNoWriterWritesIsRefused(plaintext: [UInt8]) throws {
    let blob = try wrap(plaintext)
    #expect(throws: RecordError.invalidContent) { try open(blob) }
  }

  @Test func whateverOpensIsWrappedTheSameAgain() throws {
    var random = SeededGenerator(seed: 13)
    let seeds = try golden.map { try $0.bytes("plaintext") }
    var acceptedCount = 0
    for _ in 0..<3_000 {
      let blob = try wrap(random.mutate(seeds[0]))
      guard let entries = try? open(blob) else { continue }
      acceptedCount += 1
      #expect(try seal(entries) == blob)
    }
    #expect(acceptedCount > 100)
  }
}
