import AuditLog
import Bytes
import Cryptography
import Testing

@Suite("A signed note")
struct SignedNoteTests {
  private static let name = "cadenas/0102030405060708090a0b0c0d0e0f10"

  private func key(_ first: UInt8 = 0) throws -> Ed25519PrivateKey {
    let seed = (0..<32).map { first &+ $0 }
    return try Ed25519PrivateKey(seed: seed.rawSpan)
  }

  private func verifier(_ first: UInt8 = 0) throws -> VerifierKey {
    try #require(VerifierKey(name: Self.name, publicKey: try key(first).publicKey))
  }

  private func note(_ text: String = "one line\n") throws -> SignedNote {
    try SignedNote(signing: text, as: Self.name, with: try key())
  }

  @Test("is the one that another implementation makes of the same text and key")
  func golden() throws {
    let golden = try GoldenNote.all()
    #expect(golden.count == 4)
    for entry in golden {
      let parsed = try SignedNote(parsing: entry.note)
      #expect(parsed.text == entry.text)
      #expect(parsed.encoded == String(decoding: entry.note, as: UTF8.self))
      #expect(try parsed.verified(by: entry.signers.map(\.key)) == entry.signers.map(\.key))
      for (signer, signature) in zip(entry.signers, parsed.signatures) {
        let key = try Ed25519PrivateKey(seed: signer.seed.rawSpan)
        #expect(key.publicKey == signer.key.publicKey)
        let own = try SignedNote(signing: entry.text, as: signer.key.name, with: key)
        #expect(own.signatures == [signature])
      }
    }
  }

  @Test("of the format's first implementation is verified")
  func published() throws {
    let key = try #require(
      VerifierKey("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"))
    let text = """
      If you think cryptography is the answer to your problem,
      then you don't know what your problem is.

      — PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6\
      KE6RyyBwJnAM=

      """
    #expect(try SignedNote(parsing: Array(text.utf8)).verified(by: [key]) == [key])
  }

  @Test("passes over signatures of keys that nobody gave, and needs one of those that were")
  func strangers() throws {
    let note = try note()
    #expect(throws: AuditError.unverifiedNote("none of the given keys has signed it")) {
      try note.verified(by: [try verifier(1)])
    }
    #expect(try note.verified(by: [try verifier(1), try verifier()]) == [try verifier()])
    let both = note.encoded + "— other.example/x AAAAAAAA\n"
    let parsed = try SignedNote(parsing: Array(both.utf8))
    #expect(parsed.signatures.count == 2)
    #expect(try parsed.verified(by: [try verifier()]) == [try verifier()])
  }

  @Test("does not verify once a byte of it was changed")
  func altered() throws {
    let encoded = Array(try note("kind final\nkey 0000000a\n").encoded.utf8)
    let key = try verifier()
    for index in encoded.indices {
      for bit in [UInt8(0x01), 0x40] {
        var bytes = encoded
        bytes[index] ^= bit
        #expect(throws: AuditError.self, "byte \(index)") {
          try SignedNote(parsing: bytes).verified(by: [key])
        }
      }
    }
  }

  @Test("with a false signature beside a good one of the same key is not verified")
  func falseSignature() throws {
    let good = try note()
    let other = try note("another line\n")
    let mixed = good.encoded + other.encoded.dropFirst("another line\n\n".count)
    #expect(throws: AuditError.self) {
      try SignedNote(parsing: Array(mixed.utf8)).verified(by: [try verifier()])
    }
  }

  @Test(
    "is refused where it has another form",
    arguments: [
      "", "\n", "\n\n", "text", "text\n", "text\n\n", "text\n— name AAAAAAAA\n",
      "text\n\n— name AAAAAAAA", "text\n\n- name AAAAAAAA\n", "text\n\n—name AAAAAAAA\n",
      "text\n\n— name  AAAAAAAA\n", "text\n\n— AAAAAAAA\n", "text\n\n— name AAAAA\n",
      "text\n\n— name AAAAAA==\n", "text\n\n— na+me AAAAAAAA\n", "text\n\n— na\u{A0}me AAAAAAAA\n",
      "text\n\n—  AAAAAAAA\n", "text\n\n— name AAAAAAAA \n", "te\txt\n\n— name AAAAAAAA\n",
      "te\rxt\r\n\n— name AAAAAAAA\n", "te\u{0}xt\n\n— name AAAAAAAA\n",
      "text\n\n— name AAAAAAAA\n\n", "text\n\n\n— name AAAAAAAA\nmore\n",
    ])
  func malformed(text: String) {
    #expect(throws: AuditError.self) { try SignedNote(parsing: Array(text.utf8)) }
  }

  @Test("is refused where it is too long, has too many signatures or is not UTF-8")
  func bounds() throws {
    let line = "— name AAAAAAAA\n"
    let most = "text\n\n" + String(repeating: line, count: SignedNote.mostSignatures)
    #expect(try SignedNote(parsing: Array(most.utf8)).signatures.count == 100)
    #expect(throws: AuditError.malformedNote("it has too many signatures")) {
      try SignedNote(parsing: Array((most + line).utf8))
    }
    let long = [UInt8](repeating: UInt8(ascii: "a"), count: SignedNote.mostBytes)
    #expect(throws: AuditError.malformedNote("it is too long")) {
      try SignedNote(parsing: long + Array("\n\n\(line)".utf8))
    }
    #expect(throws: AuditError.malformedNote("it is not UTF-8")) {
      try SignedNote(parsing: [0xFF] + Array("\n\n\(line)".utf8))
    }
  }

  @Test("is not made of a text or a name that cannot stand in one")
  func signing() throws {
    for text in ["", "no end", "a\ttab\n"] {
      #expect(throws: AuditError.self) { try note(text) }
    }
    for name in ["", "a b", "a+b", "a\nb", String(repeating: "a", count: 256)] {
      #expect(throws: AuditError.self) {
        try SignedNote(signing: "text\n", as: name, with: try key())
      }
    }
  }

  @Test("is read or refused, whatever bytes there are")
  func fuzz() throws {
    var random = SystemRandomNumberGenerator()
    let encoded = Array(try note("a text\n\nof three lines\n").encoded.utf8)
    for _ in 0..<5_000 {
      var bytes = encoded
      for _ in 0...Int.random(in: 0...3, using: &random) {
        let position = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0...3, using: &random) {
        case 0: bytes.insert(UInt8.random(in: 0...255, using: &random), at: position)
        case 1: bytes[position] = UInt8(ascii: "\n")
        case 2 where bytes.count > 1: bytes.remove(at: position)
        default: bytes[position] = UInt8.random(in: 0...255, using: &random)
        }
      }
      guard let note = try? SignedNote(parsing: bytes) else { continue }
      #expect(Array(note.encoded.utf8) == bytes)
    }
  }
}

@Suite("A verifier key")
struct VerifierKeyTests {
  private static let text =
    "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"

  @Test("is read as it was written")
  func roundTrip() throws {
    let key = try #require(VerifierKey(Self.text))
    #expect(key.text == Self.text)
    #expect(key.name == "PeterNeumann")
    #expect(key.hashText == "c74f20a3")
    for entry in try GoldenNote.all() {
      for signer in entry.signers { #expect(VerifierKey(signer.key.text) == signer.key) }
    }
  }

  @Test(
    "is refused where it has another form, algorithm or hash",
    arguments: [
      "", "PeterNeumann", "PeterNeumann+c74f20a3",
      "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
      "PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
      "PeterNeuman+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
      "PeterNeumann+c74f20a3+Ahpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
      "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWAA==",
      "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW\n",
      " PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    ])
  func malformed(text: String) { #expect(VerifierKey(text) == nil) }
}

/// A note of the golden file, with its signers.
struct GoldenNote {
  struct Signer {
    let seed: [UInt8]
    let key: VerifierKey
  }

  let text: String
  let note: [UInt8]
  let signers: [Signer]

  private init(_ values: [String: [UInt8]]) throws {
    text = String(decoding: try #require(values["text"]), as: UTF8.self)
    note = try #require(values["note"])
    var signers: [Signer] = []
    while let seed = values["seed \(signers.count)"] {
      let key = String(
        decoding: try #require(values["verifier key \(signers.count)"]), as: UTF8.self)
      signers.append(Signer(seed: seed, key: try #require(VerifierKey(key))))
    }
    self.signers = signers
  }

  static func all() throws -> [GoldenNote] {
    var entries: [[String: [UInt8]]] = []
    let file = String(decoding: PackageResources.signed_notes_txt, as: UTF8.self)
    for line in file.split(separator: "\n", omittingEmptySubsequences: false)
    where !line.hasPrefix("#") {
      guard let colon = line.firstIndex(of: ":") else {
        entries.append([:])
        continue
      }
      let value = line[line.index(after: colon)...].drop { $0 == " " }
      entries[entries.count - 1][String(line[..<colon])] = [UInt8](hexadecimal: value)
    }
    return try entries.filter { !$0.isEmpty }.map(GoldenNote.init)
  }
}
