import AuditLog
import Benchmark
import Bytes
import Cards
import Cryptography
import JSON
import RecordFormat
import SecretMemory

/// The pure parts of a tokenization, each alone. See the page Measuring of the documentation.
let benchmarks: @Sendable () -> Void = {
  unsafe Benchmark.defaultConfiguration = .init(
    metrics: [.wallClock, .throughput], scalingFactor: .kilo)
  cards()
  cryptography()
  texts()
}

/// A published test number, and the body that carries it.
private let number = Array("4970105181818183".utf8)
private let body = Array(#"{"number":"4970105181818183","exp_month":12,"exp_year":2035}"#.utf8)

private func cards() {
  Benchmark("number, check digit and brand") { benchmark in
    let pool = try SecretPool(slots: 2, slotSize: 32)
    for _ in benchmark.scaledIterations {
      guard let slot = pool.lease() else { return }
      let pan = try PAN.parse(number.rawSpan, into: slot)
      blackHole(try BrandTable.standard.match(pan))
    }
  }
  Benchmark("brand among 100,000 ranges") { benchmark in
    let table = try manyRanges()
    let pool = try SecretPool(slots: 2, slotSize: 32)
    guard let slot = pool.lease() else { return }
    let pan = try PAN.parse(number.rawSpan, into: slot)
    benchmark.startMeasurement()
    for _ in benchmark.scaledIterations { blackHole(try table.match(pan)) }
  }
  Benchmark("JSON of a tokenize request") { benchmark in
    for _ in benchmark.scaledIterations { blackHole(try JSONTape.parse(body.rawSpan)) }
  }
  Benchmark("text of a token") { benchmark in
    let token = Token(UUIDv7(milliseconds: 1_795_459_405_000, counter: 1, random: 1 << 61))
    for _ in benchmark.scaledIterations { blackHole(token.text) }
  }
}

/// A table as an acquirer's: prefixes of ten digits.
private func manyRanges() throws -> BrandTable {
  let kind = CardKind(lengths: [16], brand: .visa, coBrands: [.cb])
  return try BrandTable(
    ranges: (0..<100_000).map { index in
      let low = 4_000_000_000 + index * 10_000
      return try BrandRange(low: String(low), high: String(low + 9_000), kind: kind)
    })
}

private func cryptography() {
  Benchmark("fingerprint") { benchmark in
    let pool = try SecretPool(slots: 2, slotSize: 32)
    guard let slot = pool.lease() else { return }
    let pan = try PAN.parse(number.rawSpan, into: slot)
    var authenticator = try MessageAuthenticator(key: [UInt8](repeating: 7, count: 32).rawSpan)
    for _ in benchmark.scaledIterations {
      blackHole(Fingerprint.compute(of: pan, merchant: 1, customer: nil, with: &authenticator))
    }
  }
  Benchmark("record sealed") { benchmark in
    var house = try RecordHouse()
    for _ in benchmark.scaledIterations { try house.seal() }
  }
  Benchmark("record opened") { benchmark in
    var house = try RecordHouse()
    try house.seal()
    for _ in benchmark.scaledIterations { try house.open() }
  }
}

private func texts() {
  Benchmark("audit line and its leaf hash") { benchmark in
    var line = AuditLine()
    let entry = AuditEntry(
      actor: "spiffe://shop.example/checkout", operation: .tokenize, merchant: "shop",
      token: "tok_01kax3zv5ye8bvkp2mszn9fqxw", outcome: .created,
      requestIdentifier: "0123456789abcde")
    for index in benchmark.scaledIterations {
      line.write(entry, sequence: UInt64(index), atMilliseconds: 1_795_459_405_000)
      blackHole(MerkleHash.leaf(line.bytes.rawSpan))
    }
  }
  Benchmark("frontier with another leaf") { benchmark in
    var frontier = MerkleFrontier()
    let leaf = Digest256.sha256(number.rawSpan)
    for _ in benchmark.scaledIterations { frontier.append(leaf) }
    blackHole(frontier)
  }
}

/// A key, a card, and the memory that sealing and opening need.
private struct RecordHouse: ~Copyable {
  private let pool: SecretPool
  private var cipher: XAES256GCM
  private var scratch: SecretSlot
  private let card: StoredCard
  private let token = Token(UUIDv7(milliseconds: 1_795_459_405_000, counter: 1, random: 1 << 61))
  private let nonce = [UInt8](repeating: 3, count: XAES256GCM.nonceSize)
  private var record: [UInt8] = []

  private struct NoSlot: Error {}

  init() throws {
    // Everything that may fail comes first: what cannot be copied is not half made.
    let pool = try SecretPool(slots: 4, slotSize: CardRecord.plaintextByteCount)
    let expiry = try Expiry(month: 12, year: 2035)
    guard let slot = pool.lease() else { throw NoSlot() }
    let pan = try PAN.parse(number.rawSpan, into: slot)
    let cipher = try XAES256GCM(key: [UInt8](repeating: 7, count: 32).rawSpan)
    guard let scratch = pool.lease() else { throw NoSlot() }
    self.pool = pool
    self.cipher = cipher
    self.scratch = scratch
    card = StoredCard(pan: pan, expiry: expiry)
  }

  mutating func seal() throws {
    record.removeAll(keepingCapacity: true)
    let nonce = nonce
    try CardRecord.seal(
      card, token: token, merchant: 1, keyIdentifier: KeyIdentifier(1), nonce: nonce.rawSpan,
      cipher: &cipher, scratch: &scratch, into: &record)
  }

  mutating func open() throws {
    guard let slot = pool.lease() else { throw NoSlot() }
    let sealed = record
    _ = try CardRecord.open(
      sealed.rawSpan, token: token, cipher: &cipher, scratch: &scratch, slot: slot)
  }
}
