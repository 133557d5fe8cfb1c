import Bytes
import Cryptography
import Testing

struct AES256GCMTests {
  @Test func sealingGivesTheVectors() throws {
    for vector in try Vector.read("aes-256-gcm.txt") {
      let key = try vector["key"]
      let plaintext = try vector["plaintext"]
      let nonce = try vector["iv"]
      let associatedData = try vector["aad"]
      var cipher = try AES256GCM(key: key.rawSpan)
      var sealed: [UInt8] = [0xee]
      try cipher.seal(
        plaintext.rawSpan, nonce: nonce.rawSpan,
        associatedData: associatedData.rawSpan, appendingTo: &sealed)
      let expected = try [0xee] + vector["ciphertext"] + vector["tag"]
      #expect(sealed == expected)
    }
  }

  @Test func openingTheVectorsGivesTheirPlaintext() throws {
    for vector in try Vector.read("aes-256-gcm.txt") {
      let sealed = try vector["ciphertext"] + vector["tag"]
      let plaintext = try vector["plaintext"]
      let opening = try open(
        sealed, key: vector["key"], nonce: vector["iv"], associatedData: vector["aad"])
      #expect(opening.error == nil)
      #expect(opening.buffer == plaintext)
    }
  }

  @Test func oneContextServesManyMessagesInBothDirections() throws {
    let key = [UInt8](0..<32)
    var cipher = try AES256GCM(key: key.rawSpan)
    for round in UInt8(0)..<20 {
      let nonce = [UInt8](repeating: round, count: 12)
      let message = [UInt8](repeating: round, count: Int(round))
      var sealed: [UInt8] = []
      try cipher.seal(
        message.rawSpan, nonce: nonce.rawSpan, associatedData: key.rawSpan, appendingTo: &sealed)
      var opened = [UInt8](repeating: 0xff, count: message.count)
      try unsafe opened.withUnsafeMutableBytes { buffer in
        try unsafe cipher.open(
          sealed.rawSpan, nonce: nonce.rawSpan, associatedData: key.rawSpan, into: buffer)
      }
      #expect(opened == message)
    }
  }

  @Test func anyAlteredBitFailsToOpenAndWipes() throws {
    let vectors = try Vector.read("aes-256-gcm.txt").filter { try !$0["aad"].isEmpty }
    let vector = try #require(try vectors.first { try $0["plaintext"].count > 16 })
    let sealed = try vector["ciphertext"] + vector["tag"]
    let key = try vector["key"]
    let nonce = try vector["iv"]
    let associatedData = try vector["aad"]
    for bit in 0..<(sealed.count * 8) {
      try expectRefusal(
        open(flipping(bit: bit, of: sealed), key: key, nonce: nonce, associatedData: associatedData)
      )
    }
    for bit in 0..<(nonce.count * 8) {
      try expectRefusal(
        open(sealed, key: key, nonce: flipping(bit: bit, of: nonce), associatedData: associatedData)
      )
    }
    for bit in 0..<(associatedData.count * 8) {
      try expectRefusal(
        open(sealed, key: key, nonce: nonce, associatedData: flipping(bit: bit, of: associatedData))
      )
    }
  }

  @Test func wrongLengthsAreMalformedInput() throws {
    let key = [UInt8](repeating: 1, count: 32)
    let short = [UInt8](repeating: 1, count: 31)
    #expect(throws: CryptographyError.malformedInput) { _ = try AES256GCM(key: short.rawSpan) }
    let opening = try open(
      [UInt8](repeating: 0, count: 15), key: key, nonce: [UInt8](repeating: 0, count: 12),
      associatedData: [], plaintextCount: 0)
    #expect(opening.error == .malformedInput)
    let otherNonce = try open(
      [UInt8](repeating: 0, count: 20), key: key, nonce: [UInt8](repeating: 0, count: 13),
      associatedData: [])
    #expect(otherNonce.error == .malformedInput)
    #expect(otherNonce.buffer == [0, 0, 0, 0])
    let otherSize = try open(
      [UInt8](repeating: 0, count: 20), key: key, nonce: [UInt8](repeating: 0, count: 12),
      associatedData: [], plaintextCount: 5)
    #expect(otherSize.error == .malformedInput)
  }

  private func expectRefusal(_ opening: Opening) {
    #expect(opening.error == .authenticationFailed)
    #expect(opening.buffer.allSatisfy { $0 == 0 })
  }

  private func open(
    _ sealed: [UInt8], key: [UInt8], nonce: [UInt8], associatedData: [UInt8],
    plaintextCount: Int? = nil
  ) throws -> Opening {
    var cipher = try AES256GCM(key: key.rawSpan)
    var plaintext = [UInt8](repeating: 0xff, count: plaintextCount ?? sealed.count - 16)
    let error = unsafe plaintext.withUnsafeMutableBytes { buffer -> CryptographyError? in
      do throws(CryptographyError) {
        try unsafe cipher.open(
          sealed.rawSpan, nonce: nonce.rawSpan, associatedData: associatedData.rawSpan, into: buffer
        )
        return nil
      } catch {
        return error
      }
    }
    return Opening(error: error, buffer: plaintext)
  }
}
