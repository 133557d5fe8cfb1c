import Cryptography
import RecordFormat
import Storage
import Testing

@testable import Ledgers
@testable import Tokenization
@testable import VaultCore
@testable import VaultManagement

@Suite("The record of a backup")
struct BackupRecordTests {
  private static let key = Array("backup/".utf8) + [0x2a, 0x21, 0xf4, 0x91]

  private func record(
    keys: Set<KeyIdentifier>? = [KeyIdentifier(9), KeyIdentifier(0x0102_0304)], note: String = "n"
  ) throws -> BackupRecord {
    let root = try #require(Digest256(hex: String(repeating: "bb", count: 32)))
    var record = BackupRecord(
      KeyIdentifier(0x2a21_f491), beganMilliseconds: 1_795_459_405_123,
      log: .init(size: 7, root: root), keyEncryptionKey: KeyIdentifier(0x216b_380f), keys: keys,
      path: "/b/é", actor: "user:ann", note: note)
    record.state = .kept
    record.bytes = 53_248
    record.digest = try #require(Digest256(hex: String(repeating: "aa", count: 32)))
    return record
  }

  @Test("has the layout that is documented")
  func layout() throws {
    let row = try record().encoded
    #expect(
      row.hexadecimal == "0102" + "000001a209b85543" + "000000000000d000"
        + String(repeating: "aa", count: 32) + "0000000000000007"
        + String(repeating: "bb", count: 32) + "216b380f" + "0002" + "00000009" + "01020304"
        + "0005" + "2f622fc3a9" + "0008" + "757365723a616e6e" + "0001" + "6e")
    #expect(try BackupRecord(key: Self.key, row: row) == record())
  }

  @Test("says that the keys are not known")
  func unknownKeys() throws {
    let row = try record(keys: nil).encoded
    #expect(row.hexadecimal.contains("216b380f" + "ffff" + "0005"))
    #expect(try BackupRecord(key: Self.key, row: row) == record(keys: nil))
  }

  @Test("is read only as it is written")
  func strict() throws {
    let row = try record().encoded
    for count in row.indices {
      #expect(BackupRecord(key: Self.key, row: Array(row[..<count])) == nil)
    }
    #expect(BackupRecord(key: Self.key, row: row + [0]) == nil)
    #expect(BackupRecord(key: Self.key + [0], row: row) == nil)
    var swapped = row
    swapped.replaceSubrange(96..<104, with: [1, 2, 3, 4, 0, 0, 0, 9])
    #expect(BackupRecord(key: Self.key, row: swapped) == nil, "keys out of order")
    for index in row.indices {
      for bit in 0..<8 {
        var changed = row
        changed[index] ^= 1 << UInt8(bit)
        // What is read is what stands there, or it is refused.
        if let found = BackupRecord(key: Self.key, row: changed) {
          #expect(found.encoded == changed)
        }
      }
    }
  }

  @Test("counts as needing its keys until it is forgotten")
  func needs() throws {
    var record = try record()
    for state in [BackupRecord.State.unfinished, .kept] {
      record.state = state
      #expect(record.needs(key: KeyIdentifier(9)))
      #expect(record.needs(key: KeyIdentifier(0x216b_380f)), "the KEK")
      #expect(!record.needs(key: KeyIdentifier(10)))
    }
    record.keys = nil
    #expect(record.needs(key: KeyIdentifier(10)), "nobody knows")
    record.state = .forgotten
    #expect(!record.needs(key: KeyIdentifier(9)))
    #expect(!record.needs(key: KeyIdentifier(0x216b_380f)))
  }
}

@Suite("Where a restored store comes from")
struct RestoreOriginTests {
  private func origin(known: UInt64?) throws -> RestoreOrigin {
    let root = try #require(Digest256(hex: String(repeating: "bb", count: 32)))
    return RestoreOrigin(
      store: try #require(StoreIdentifier(Array(1...16))), log: .init(size: .max, root: root),
      cards: UInt64(Int64.max), lastKnown: known.map { .init(size: $0, root: .zero) })
  }

  @Test("fits into an entry and is read as it was written", arguments: [nil, 0, UInt64.max])
  func text(known: UInt64?) throws {
    let origin = try origin(known: known)
    #expect(origin.text.utf8.count <= 256)
    #expect(RestoreOrigin(origin.text) == origin)
    for text in [
      "", " ", origin.text + " ", origin.text + " x=1", String(origin.text.dropFirst()),
      origin.text.replacing("=", with: ":"), origin.text.replacing("cards=", with: "cards=0"),
      origin.text.replacing("bb", with: "BB"),
      origin.text.replacing("cards=9", with: "cards=19"),
    ] {
      #expect(RestoreOrigin(text) == nil, "\(text)")
    }
  }

  @Test("tells how many entries are lost, where that is known")
  func lost() throws {
    #expect(try origin(known: nil).lostEntries == nil)
    #expect(try origin(known: 3).lostEntries == 0)
    let root = try origin(known: nil).log.root
    let behind = RestoreOrigin(
      store: try origin(known: nil).store, log: .init(size: 5, root: root), cards: 1,
      lastKnown: .init(size: 12, root: root))
    #expect(behind.lostEntries == 7)
  }
}
