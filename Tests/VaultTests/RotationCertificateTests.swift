import AuditLog
import Bytes
import Cryptography
import RecordFormat
import Testing

@testable import Ledgers
@testable import Tokenization
@testable import VaultCore
@testable import VaultManagement

/// Certificates as texts and as notes.
@Suite struct RotationCertificateTests {
  private static let digest = Digest256.sha256(Array("leaf".utf8).rawSpan)

  static func sample(final: Bool = true) -> RotationCertificate {
    RotationCertificate(
      store: "0102030405060708090a0b0c0d0e0f10", role: .data,
      key: .init(
        identifier: KeyIdentifier(10), checkValue: "A1B2C3D4E5",
        createdMilliseconds: 1_763_923_405_000, deactivatedMilliseconds: 1_795_459_405_123,
        compromisedMilliseconds: final ? 1_795_459_406_000 : nil),
      destruction: final ? .init(atMilliseconds: 1_795_459_500_000, actor: "user:ann") : nil,
      successor: .init(identifier: KeyIdentifier(11), checkValue: final ? "0011223344" : nil),
      before: .init(underKey: 1_200, underSuccessor: 3),
      after: .init(underKey: 0, underSuccessor: 1_203),
      run: .init(
        beganMilliseconds: 1_795_459_410_000, endedMilliseconds: 1_795_459_420_000,
        actor: "user:ann"),
      approvers: final ? ["user:bob"] : [],
      proofs: [.init(sequence: 7, leaf: digest), .init(sequence: 99, leaf: .zero)],
      treeSize: 100, treeRoot: digest)
  }

  @Test func `its text has the lines that are documented`() {
    #expect(
      Self.sample().text == """
        cadenas/rotation-certificate/v1
        store 0102030405060708090a0b0c0d0e0f10
        kind final
        role data
        key 0000000a
        check-value A1B2C3D4E5
        created 2025-11-23T18:43:25.000Z
        deactivated 2026-11-23T18:43:25.123Z
        compromised 2026-11-23T18:43:26.000Z
        destroyed 2026-11-23T18:45:00.000Z
        destroyed-by user:ann
        successor 0000000b
        successor-check-value 0011223344
        cards-before 0000000a 1200
        cards-before 0000000b 3
        cards-after 0000000a 0
        cards-after 0000000b 1203
        began 2026-11-23T18:43:30.000Z
        ended 2026-11-23T18:43:40.000Z
        ran-by user:ann
        approved-by user:bob
        entry 7 \(Base64.encode(Self.digest.bytes))
        entry 99 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=
        tree 100 \(Base64.encode(Self.digest.bytes))

        """)
  }

  @Test func `it is read as it was written, with and without what may be absent`() throws {
    var plain = Self.sample(final: false)
    for certificate in [Self.sample(), plain] {
      #expect(try RotationCertificate(parsing: certificate.text) == certificate)
    }
    plain.run = nil
    plain.proofs = []
    #expect(try RotationCertificate(parsing: plain.text) == plain)
    #expect(plain.kind == .interim)
  }

  @Test func `a text that lacks a line, repeats one or has them in another order is refused`() {
    let lines = Self.sample().text.split(separator: "\n").map(String.init)
    for index in lines.indices {
      var without = lines
      without.remove(at: index)
      // What may be absent is what some certificates do not have.
      let mayBeAbsent = ["compromised", "approved-by", "entry"].contains {
        lines[index].hasPrefix($0)
      }
      if !mayBeAbsent { refuses(without, "without \(lines[index])") }
      var twice = lines
      twice.insert(lines[index], at: index)
      if !lines[index].hasPrefix("approved-by") { refuses(twice, "twice \(lines[index])") }
      if index > 0, lines[index].prefix(6) != lines[index - 1].prefix(6) {
        var swapped = lines
        swapped.swapAt(index, index - 1)
        refuses(swapped, "before its time \(lines[index])")
      }
    }
  }

  private func refuses(_ lines: [String], _ comment: String) {
    #expect(throws: AuditError.self, "\(comment)") {
      try RotationCertificate(parsing: lines.joined(separator: "\n") + "\n")
    }
  }

  @Test func `a value in another form, or one that no certificate says, is refused`() {
    for (text, other) in [
      ("cards-after 0000000a 0", "cards-after 0000000a 1"), ("1200", "01200"), ("1200", "-1"),
      ("cards-before 0000000b", "cards-before 0000000c"), ("kind final", "kind interim"),
      ("kind final", "kind Final"), ("role data", "role card"), ("A1B2C3D4E5", "A1B2C3D4"),
      ("successor 0000000b", "successor 0000000a"), ("entry 7 ", "entry 100 "),
      ("entry 99 A", "entry 99 B="), (".123Z", "Z"), ("store 01", "store 1"),
      ("tree 100", "tree 99"), ("/v1", "/v2"),
    ] {
      let changed = Self.sample().text.replacing(text, with: other)
      #expect(throws: AuditError.self, "\(other)") { try RotationCertificate(parsing: changed) }
    }
  }

  @Test func `an actor cannot add a line`() throws {
    var certificate = Self.sample()
    certificate.approvers = ["user:eve\napproved-by user:bob"]
    let read = try RotationCertificate(parsing: certificate.text)
    #expect(read.approvers == ["user:eve?approved-by user:bob"])
  }

  @Test func `it verifies under the key of its own store only`() throws {
    let seed = [UInt8](repeating: 7, count: 32)
    let key = try Ed25519PrivateKey(seed: seed.rawSpan)
    let certificate = Self.sample()
    let name = "cadenas/" + certificate.store
    let own = try #require(VerifierKey(name: name, publicKey: key.publicKey))
    let note = try SignedNote(signing: certificate.text, as: name, with: key)
    #expect(try RotationCertificate(verifying: note, by: [own]) == certificate)
    #expect(throws: AuditError.self) { try RotationCertificate(verifying: note, by: []) }
    let other = try #require(
      VerifierKey(name: "cadenas/" + String(repeating: "0", count: 32), publicKey: key.publicKey))
    let foreign = try SignedNote(signing: certificate.text, as: other.name, with: key)
    #expect(throws: AuditError.self) {
      try RotationCertificate(verifying: foreign, by: [own, other])
    }
    let noCertificate = try SignedNote(signing: "cadenas\n", as: name, with: key)
    #expect(throws: AuditError.self) {
      try RotationCertificate(verifying: noCertificate, by: [own])
    }
  }
}
