import Bytes
import Cryptography
import RecordFormat
import SecretMemory
import Testing

@Suite struct SealedShareTests {
  private static let golden = GoldenFile(PackageResources.sealed_share_txt)

  private static func header(
    _ entry: GoldenFile.Entry, custodian: String? = nil, created: UInt64? = nil,
    coordinate: Int? = nil
  ) throws -> ShareHeader {
    let header = ShareHeader(
      vault: try entry.name("vault"), keyIdentifier: try entry.keyIdentifier("key id"),
      checkValue: try entry.bytes("check value"),
      custodian: try custodian.flatMap { CustodyName($0) } ?? entry.name("custodian"),
      coordinate: try coordinate ?? Int(entry.number("coordinate")),
      threshold: Int(try entry.number("threshold")), count: Int(try entry.number("count")),
      createdMilliseconds: try created ?? entry.number("created"))
    return try #require(header)
  }

  private static func open(
    _ bytes: [UInt8], _ header: ShareHeader, _ passphrase: [UInt8]
  ) throws(RecordError) -> [UInt8] {
    let sealed = try SealedShare(bytes)
    let share = try sealed.open(header: header, passphrase: passphrase.rawSpan)
    return share.bytes.array
  }

  @Test func `sealing gives the golden shares`() throws {
    #expect(Self.golden.entries.count == 2)
    for entry in Self.golden.entries {
      let (share, passphrase) = try (entry.bytes("share"), entry.bytes("passphrase"))
      let (salt, nonce) = try (entry.bytes("salt"), entry.bytes("nonce"))
      let cost = try Argon2id.Parameters(
        passes: UInt32(entry.number("passes")),
        memoryKibibytes: UInt32(entry.number("memory KiB")))
      let sealed = try SealedShare.seal(
        share.rawSpan, header: Self.header(entry), passphrase: passphrase.rawSpan, cost: cost,
        salt: salt.rawSpan, nonce: nonce.rawSpan)
      #expect(try sealed.bytes == entry.bytes("sealed"))
    }
  }

  @Test func `the golden shares open`() throws {
    for entry in Self.golden.entries {
      let opened = try Self.open(
        entry.bytes("sealed"), Self.header(entry), entry.bytes("passphrase"))
      #expect(try opened == entry.bytes("share"))
    }
  }

  @Test func `another passphrase, custodian or time does not open a share`() throws {
    let entry = Self.golden.entries[0]
    let (bytes, passphrase) = try (entry.bytes("sealed"), entry.bytes("passphrase"))
    #expect(throws: RecordError.authenticationFailed) {
      try Self.open(bytes, Self.header(entry), passphrase + [0])
    }
    #expect(throws: RecordError.authenticationFailed) {
      try Self.open(bytes, Self.header(entry, custodian: "custodian-3"), passphrase)
    }
    #expect(throws: RecordError.authenticationFailed) {
      try Self.open(bytes, Self.header(entry, created: 1), passphrase)
    }
    #expect(throws: RecordError.malformed) {
      try Self.open(bytes, Self.header(entry, coordinate: 3), passphrase)
    }
  }

  @Test(arguments: [1, 4, 12, 27, 28, 51, 52, 83, 84, 99])
  func `an altered share does not open`(offset: Int) throws {
    let entry = Self.golden.entries[0]
    var bytes = try entry.bytes("sealed")
    bytes[offset] ^= 0x80
    let error = offset < 8 ? RecordError.malformed : .authenticationFailed
    #expect(throws: error) {
      try Self.open(bytes, Self.header(entry), entry.bytes("passphrase"))
    }
  }

  @Test func `a cost that no share has is refused before anybody pays it`() throws {
    let bytes = try Self.golden.entries[0].bytes("sealed")
    for (passes, memory): (UInt8, UInt32) in [
      (0, 65_536), (1, 65_536), (17, 65_536), (255, 65_536), (3, 0), (3, 1), (3, 65_535),
      (3, 1_048_577), (3, 0xFF_FFFF),
    ] {
      var changed = bytes
      changed[8] = passes
      for place in 0..<3 {
        changed[9 + place] = UInt8(truncatingIfNeeded: memory >> UInt32(8 * (2 - place)))
      }
      #expect(throws: RecordError.malformed) { try SealedShare(changed) }
    }
    let allowed = SealedShare.standardCost
    #expect(SealedShare.allowedPasses.contains(allowed.passes))
    #expect(SealedShare.allowedMemoryKibibytes.contains(allowed.memoryKibibytes))
  }

  @Test func `another length or version is refused`() throws {
    var bytes = try Self.golden.entries[0].bytes("sealed")
    for count in [0, 1, 99] {
      #expect(throws: RecordError.malformed) { try SealedShare(Array(bytes[..<count])) }
    }
    #expect(throws: RecordError.malformed) { try SealedShare(bytes + [0]) }
    bytes[0] = 2
    #expect(throws: RecordError.unsupportedVersion(2)) { try SealedShare(bytes) }
  }

  @Test func `headers out of bounds are none`() throws {
    let name = try #require(CustodyName("x"))
    func header(_ coordinate: Int, _ threshold: Int, _ count: Int, _ checkCount: Int = 5) -> Bool {
      ShareHeader(
        vault: name, keyIdentifier: KeyIdentifier(1),
        checkValue: [UInt8](repeating: 0, count: checkCount), custodian: name,
        coordinate: coordinate, threshold: threshold, count: count, createdMilliseconds: 0) != nil
    }
    #expect(header(1, 2, 2) && header(15, 15, 15))
    for (coordinate, threshold, count) in [
      (0, 2, 3), (4, 2, 3), (1, 1, 3), (1, 4, 3), (1, 2, 16), (1, 1, 1), (-1, 2, 3), (1, -1, 3),
    ] {
      #expect(!header(coordinate, threshold, count))
    }
    #expect(!header(1, 2, 3, 4))
  }
}
