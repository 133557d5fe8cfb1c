import AuditLog
import Bytes
import Cryptography
import RecordFormat
import Storage
import TestSupport
import Testing

@Suite("A succession of audit keys")
struct KeySuccessionTests {
  private static let name = "cadenas/0102030405060708090a0b0c0d0e0f10"

  private func key(_ number: UInt8) throws -> Ed25519PrivateKey {
    let seed = [UInt8](repeating: number, count: 32)
    return try Ed25519PrivateKey(seed: seed.rawSpan)
  }

  private func verifier(_ number: UInt8) throws -> VerifierKey {
    try #require(VerifierKey(name: Self.name, publicKey: try key(number).publicKey))
  }

  private func succession(_ old: UInt8, _ new: UInt8) throws -> KeySuccession {
    KeySuccession(
      old: .init(KeyIdentifier(UInt32(old)), try verifier(old)),
      new: .init(KeyIdentifier(UInt32(new)), try verifier(new)),
      atMilliseconds: UInt64(Sample.time))
  }

  private func note(_ old: UInt8, _ new: UInt8) throws -> SignedNote {
    try succession(old, new).signed(with: try key(old))
  }

  @Test("is read as it was written")
  func roundTrip() throws {
    let succession = try succession(1, 2)
    #expect(try KeySuccession(parsing: succession.text) == succession)
    #expect(
      succession.text == """
        cadenas/key-succession/v1
        time 2026-11-23T18:43:25.123Z
        old 00000001 \(try verifier(1).text)
        new 00000002 \(try verifier(2).text)

        """)
  }

  @Test("is refused where its text has another form")
  func malformed() throws {
    let text = try succession(1, 2).text
    let changes: [(String, String)] = [
      ("/v1", "/v2"), ("time 2026", "time  2026"), (".123Z", "Z"), ("old ", "olde "),
      ("00000001", "0000001"), ("00000002", "0000000A"), ("+", "-"), ("\nnew", "\nold"),
      ("time ", "store x\ntime "),
    ]
    for (part, other) in changes {
      #expect(throws: AuditError.self, "\(part)") {
        try KeySuccession(parsing: text.replacing(part, with: other, maxReplacements: 1))
      }
    }
    for text in ["", "\n", String(text.dropLast()), text + "\n", text + "more 1\n"] {
      #expect(throws: AuditError.self) { try KeySuccession(parsing: text) }
    }
  }

  @Test("leads from a key that is trusted to the newest, past notes about others")
  func walk() throws {
    let notes = try [note(3, 4), note(1, 2), note(2, 3), note(8, 9)]
    let chain = try (1...4).map { try verifier($0) }
    #expect(try KeySuccession.walk(from: chain[0], over: notes) == chain)
    #expect(try KeySuccession.walk(from: chain[2], over: notes) == Array(chain[2...]))
    #expect(try KeySuccession.walk(from: chain[3], over: notes) == [chain[3]])
    #expect(try KeySuccession.walk(from: chain[0], over: []) == [chain[0]])
  }

  @Test("is not followed where the old key did not sign it")
  func forged() throws {
    let text = try succession(1, 2).text
    let forged = try SignedNote(signing: text, as: Self.name, with: try key(2))
    #expect(throws: AuditError.self) {
      try KeySuccession.walk(from: try verifier(1), over: [forged])
    }
    #expect(throws: AuditError.self) { try succession(1, 2).signed(with: try key(2)) }
  }

  @Test("is not followed where a key vouches for two, or the keys go in a circle")
  func forked() throws {
    let first = try verifier(1)
    let twice = try [note(1, 2), note(1, 2)]
    #expect(try KeySuccession.walk(from: first, over: twice).count == 2)
    #expect(throws: AuditError.self) {
      try KeySuccession.walk(from: first, over: try [note(1, 2), note(1, 3)])
    }
    #expect(throws: AuditError.self) {
      try KeySuccession.walk(from: first, over: try [note(1, 2), note(2, 1)])
    }
  }

  @Test("is kept in the store and found again")
  func kept() throws {
    let temporary = try TemporaryStore()
    let notes = try [note(1, 2), note(2, 3)]
    try temporary.store.write { transaction in
      for (index, note) in notes.enumerated() {
        try KeySuccession.save(note, for: KeyIdentifier(UInt32(index + 2)), in: &transaction)
      }
    }
    #expect(try temporary.store.read { try KeySuccession.notes(in: $0) } == notes)
    try temporary.put(Array("succession/00000009".utf8), [1], in: .meta)
    #expect(throws: AuditError.self) {
      try temporary.store.read { try KeySuccession.notes(in: $0) }
    }
  }
}
