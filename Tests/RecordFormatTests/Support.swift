import Bytes
import Cards
import Cryptography
import RecordFormat
import SecretMemory
import TestSupport
import Testing

/// The entries of a golden file: `key: value` lines, entries apart by an empty line.
struct GoldenFile {
  struct Entry {
    let values: [String: String]

    /// The value of `key`, which must be there.
    func text(_ key: String) throws -> String { try #require(values[key], "no \(key)") }

    /// The value of `key`, or nil where it is empty.
    func optionalText(_ key: String) throws -> String? {
      let text = try text(key)
      return text.isEmpty ? nil : text
    }

    func bytes(_ key: String) throws -> [UInt8] {
      try #require([UInt8](hexadecimal: text(key)), "\(key) is not hexadecimal")
    }

    /// The cipher under the entry's key.
    func cipher() throws -> XAES256GCM {
      let key = try bytes("key")
      return try XAES256GCM(key: key.rawSpan)
    }

    func number(_ key: String) throws -> UInt64 { try #require(UInt64(text(key))) }

    /// The value of `key` as a custodian's or vault's name.
    func name(_ key: String) throws -> CustodyName {
      try #require(CustodyName(text(key)), "\(key) is no name")
    }

    func digest(_ key: String) throws -> Digest256 { try #require(Digest256(hex: text(key))) }

    func keyIdentifier(_ key: String) throws -> KeyIdentifier {
      try #require(KeyIdentifier(text(key)))
    }
  }

  let entries: [Entry]

  init(_ file: [UInt8]) {
    var entries: [[String: String]] = [[:]]
    let lines = String(decoding: file, as: UTF8.self).split(
      separator: "\n", omittingEmptySubsequences: false)
    for line in lines where !line.hasPrefix("#") {
      guard let colon = line.firstIndex(of: ":") else {
        entries.append([:])
        continue
      }
      let value = line[line.index(after: colon)...].drop { $0 == " " }
      entries[entries.count - 1][String(line[..<colon])] = String(value)
    }
    self.entries = entries.filter { !$0.isEmpty }.map(Entry.init)
  }
}

struct PoolIsEmpty: Error {}

extension SecretPool {
  /// A pool with room for scratch and numbers.
  static func forTests() throws -> SecretPool { try SecretPool(slots: 8, slotSize: 128) }

  func slot() throws -> SecretSlot {
    guard let slot = lease() else { throw PoolIsEmpty() }
    return slot
  }

  func pan(_ digits: String) throws -> PAN {
    let slot = try slot()
    return try PAN.parse(Array(digits.utf8).rawSpan, into: slot)
  }
}

extension SeededGenerator {
  /// A copy of `bytes` with one to three bytes changed, inserted or removed.
  mutating func mutate(_ bytes: [UInt8]) -> [UInt8] {
    var bytes = bytes
    for _ in 0...Int.random(in: 0...2, using: &self) {
      let position = Int.random(in: 0...bytes.count, using: &self)
      let byte = UInt8.random(in: 0...255, using: &self)
      switch Int.random(in: 0...3, using: &self) {
      case 0: bytes.insert(byte, at: position)
      case 1 where position < bytes.count: bytes.remove(at: position)
      case 2: bytes.removeSubrange(position...)
      default: if position < bytes.count { bytes[position] = byte }
      }
    }
    return bytes
  }
}
