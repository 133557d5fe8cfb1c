import AuditLog
import Bytes
import Cryptography
import Glibc
import RecordFormat
import TestSupport
import Testing

@testable import cadenas
@testable import cadenas_dev

/// Which keys of an export are believed.
@Suite("The keys of an export") struct ExportKeyTests {
  private func withFixture(_ body: (LogFixture, _ keysPath: String) throws -> Void) throws {
    try withScratchDirectory { directory in
      let fixture = try LogFixture(in: directory)
      try body(fixture, fixture.export + "/keys.txt")
    }
  }

  private func check(_ fixture: LogFixture, trusting path: String?) throws -> ExportCheck.Result {
    try ExportCheck(directory: fixture.export, publicKeyPath: path, sincePath: nil).run()
  }

  @Test("that do not lead to each other keep it from getting its name")
  func unvouched() throws {
    try withFixture { fixture, _ in
      let export = fixture.directory + "/other"
      #expect(throws: CommandFailure.self) { try fixture.writeExport(export, isVouched: false) }
      #expect(unsafe access(export, F_OK) != 0)
      #expect(unsafe access(export + ".draft/entries.jsonl", F_OK) == 0)
    }
  }

  @Test("may be of the log before a restore, as history that earlier programs wrote")
  func history() throws {
    try withFixture { fixture, path in
      // The keys of the store before, which had another name.
      let former = try fixture.keys.map {
        try #require(
          VerifierKey(name: "cadenas/\(String(repeating: "a", count: 32))", publicKey: $0.publicKey)
        )
      }
      let own = try DevelopmentFiles.readText(path)
      let note = try fixture.succession(of: former[0], to: former[1]).encoded
      let text = "# 00000001, destroyed, created -\n\(former[0].text)\n\(own)\n\(note)"
      try DevelopmentFiles.write(Array(text.utf8), to: path)
      for trusted in [fixture.publicKey, nil] {
        let result = try check(fixture, trusting: trusted)
        #expect(result.verification.finding == nil)
        #expect(result.first == fixture.keys[0] && result.signer == fixture.keys[1])
      }
      // Whoever noted the former key has noted none of this log.
      let noted = fixture.directory + "/former"
      try DevelopmentFiles.write(Array((former[0].text + "\n").utf8), to: noted)
      #expect(throws: CommandFailure.self) { try check(fixture, trusting: noted) }
      // A key that no note tells of, and a note that its key has not signed, are no history.
      let stranger = "\(former[0].text)\n\(own)"
      let forged = text.replacing(note, with: note.replacing("time 2026", with: "time 2027"))
      for changed in [stranger, forged] {
        try DevelopmentFiles.write(Array(changed.utf8), to: path)
        #expect(throws: CommandFailure.self) { try check(fixture, trusting: fixture.publicKey) }
      }
    }
  }

  @Test("are those that lead to the one that signs now, under its name")
  func chain() throws {
    try withFixture { fixture, _ in
      func party(_ key: VerifierKey, _ number: UInt32) -> KeySuccession.Party {
        .init(.init(number), key)
      }
      let (first, second) = (fixture.keys[0], fixture.keys[1])
      let renamed = try #require(VerifierKey(name: "cadenas/former", publicKey: first.publicKey))
      let own = KeySuccession(old: party(first, 1), new: party(second, 2), atMilliseconds: 2)
      let former = KeySuccession(old: party(renamed, 1), new: party(second, 2), atMilliseconds: 1)
      let circle = KeySuccession(old: party(second, 2), new: party(first, 1), atMilliseconds: 3)
      #expect(KeySuccession.chain(to: second, in: [former, own]) == [own])
      #expect(KeySuccession.chain(to: second, in: [former]).isEmpty)
      #expect(KeySuccession.chain(to: first, in: [own]).isEmpty)
      // One that goes round in a circle has an end.
      #expect(KeySuccession.chain(to: second, in: [own, circle]) == [circle, own])
    }
  }
}
