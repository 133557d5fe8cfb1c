import AuditLog
import Bytes
import Cryptography
import Glibc
import RecordFormat
import Storage
import TestSupport

@testable import cadenas
@testable import cadenas_dev

/// A store with a log of its own, signed by two keys one after the other, and an export of it.
final class LogFixture {
  static let size: UInt64 = 700
  /// When the second key takes the first one's place.
  private static let rotation: UInt64 = 400
  private static let checkpointSizes: [UInt64] = [60, 256, 300, 400, 512, 640]

  let store: Store
  let directory: String
  /// The directory of the export.
  let export: String
  /// A file with the first key.
  let publicKey: String
  /// Both keys.
  let keys: [VerifierKey]
  /// Every checkpoint, in their order.
  private(set) var checkpoints: [SignedCheckpoint] = []

  init(in directory: String) throws {
    self.directory = directory
    export = directory + "/export"
    publicKey = directory + "/public-key"
    guard let identifier = StoreIdentifier(Array(1...16)) else {
      throw Stage.Failed("no identifier")
    }
    try Store.create(
      at: directory + "/store", mapSize: 1 << 26, storeIdentifier: identifier)
    store = try Store.open(at: directory + "/store", mapSize: 1 << 26)
    let origin = VerifierKey.name(ofStore: identifier.bytes)
    keys = try ([1, 2] as [UInt8]).map { number in
      guard let key = VerifierKey(name: origin, publicKey: try Self.key(number).publicKey) else {
        throw Stage.Failed("no key")
      }
      return key
    }
    try fill(origin)
    try DevelopmentFiles.write(Array((keys[0].text + "\n").utf8), to: publicKey)
    try writeExport(export)
  }

  private static func key(_ number: UInt8) throws -> Ed25519PrivateKey {
    let seed = [UInt8](repeating: number, count: 32)
    return try Ed25519PrivateKey(seed: seed.rawSpan)
  }

  private func fill(_ origin: String) throws {
    let log = try AuditLog(restoringFrom: store)
    while log.pendingSize < Self.size {
      let start = log.pendingSize
      let stops = Self.checkpointSizes + [Self.size]
      let stop = stops.first { $0 > start } ?? Self.size
      let end = min(stop, start + 1 + start % 37)
      try store.write { transaction in
        for number in start..<end {
          try log.append(
            AuditEntry(
              actor: "spiffe://shop.example/checkout", operation: .tokenize, merchant: "shop",
              token: "tok_\(number)", outcome: .created, requestIdentifier: "r\(number)"),
            atMilliseconds: 1_795_459_405_123 + Int64(number), in: &transaction)
        }
        if stops.contains(end) {
          let key = try Self.key(end <= Self.rotation ? 1 : 2)
          let signed = try SignedCheckpoint(
            signing: log.pendingCheckpoint(origin: origin), with: key)
          try log.keep(
            signed, stays: true, atMilliseconds: Int64(end) * 60_000, in: &transaction)
          checkpoints.append(signed)
        }
        try log.batchWillCommit(&transaction)
      }
      log.batchDidCommit()
    }
  }

  /// The note by which a key vouches for another, under the name of this log or of another.
  func succession(of old: VerifierKey, to new: VerifierKey) throws -> SignedNote {
    try KeySuccession(
      old: .init(KeyIdentifier(1), old), new: .init(KeyIdentifier(2), new),
      atMilliseconds: 1_795_459_405_123
    ).signed(with: Self.key(1))
  }

  /// What a service would answer, written by the program.
  ///
  /// - Parameter isVouched: whether the first key vouches for the second.
  func writeExport(_ export: String, isVouched: Bool = true) throws {
    let note = try succession(of: keys[0], to: keys[1])
    var writer = try ExportWriter(export)
    func quoted(_ text: String) -> String { "\"\(text.replacing("\n", with: "\\n"))\"" }
    for signed in [checkpoints[checkpoints.count - 1]] + checkpoints.dropLast() {
      try writer.take(Array("{\"checkpoint\":\(quoted(signed.note.encoded))}".utf8))
    }
    let documents = keys.map {
      "{\"id\":\"00000001\",\"state\":\"active\",\"created\":\"-\",\"verifier_key\":\"\($0.text)\"}"
    }
    try writer.take(
      Array(
        ("{\"keys\":{\"keys\":[\(documents.joined(separator: ","))],\"successions\":"
          + "[\(isVouched ? "{\"note\":\(quoted(note.encoded))}" : "")]}}").utf8))
    let page = try ExportLines(store).page(from: 0, below: Self.size)
    for line in page.bytes.split(separator: UInt8(ascii: "\n")) { try writer.take(Array(line)) }
    _ = try writer.finish()
  }
}
