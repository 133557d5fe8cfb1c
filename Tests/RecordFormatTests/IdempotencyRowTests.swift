import Bytes
import Cards
import Cryptography
import RecordFormat
import TestSupport
import Testing

@Suite struct IdempotencyRowTests {
  private let golden = GoldenFile(PackageResources.idempotency_row_txt).entries

  private func value(of entry: GoldenFile.Entry) throws -> IdempotencyRow {
    let status = try UInt16(entry.number("status"))
    return IdempotencyRow(
      digestKey: try entry.keyIdentifier("digest key id"),
      requestDigest: try entry.digest("request digest"),
      expiresMilliseconds: try entry.number("expires"),
      payment: try entry.optionalText("payment").flatMap { PaymentIdentifier($0) },
      token: try entry.optionalText("token").flatMap { Token($0) },
      state: status == 0
        ? .running : .done(status: status, dataKey: try entry.keyIdentifier("data key id")))
  }

  @Test func aRowIsWrittenAsTheGoldenFileSays() throws {
    #expect(golden.count == 3)
    for entry in golden {
      let row = try value(of: entry)
      guard row.state != .running else {
        #expect(row.encodeRunning() == (try entry.bytes("row")))
        continue
      }
      var cipher = try entry.cipher()
      let rowKey = try entry.digest("row key")
      let answer = Array(try entry.text("answer").utf8)
      let nonce = try entry.bytes("nonce")
      let sealed = try row.seal(
        answer: answer.rawSpan, rowKey: rowKey, nonce: nonce.rawSpan, cipher: &cipher)
      #expect(sealed == (try entry.bytes("row")))
    }
  }

  @Test func aRowIsReadAsTheGoldenFileSays() throws {
    for entry in golden {
      let bytes = try entry.bytes("row")
      let row = try IdempotencyRow(of: bytes.rawSpan)
      #expect(row == (try value(of: entry)))
      guard row.state != .running else { continue }
      var cipher = try entry.cipher()
      let rowKey = try entry.digest("row key")
      let answer = try IdempotencyRow.openAnswer(
        bytes.rawSpan, rowKey: rowKey, cipher: &cipher)
      #expect(answer == Array(try entry.text("answer").utf8))
    }
  }

  @Test func anAnswerOpensUnderItsOwnRowKeyOnly() throws {
    let entry = golden[1]
    let row = try entry.bytes("row")
    var cipher = try entry.cipher()
    #expect(throws: RecordError.authenticationFailed) {
      try IdempotencyRow.openAnswer(row.rawSpan, rowKey: .zero, cipher: &cipher)
    }
  }

  @Test func everyByteOfARowWithAnAnswerIsProtected() throws {
    let entry = golden[1]
    let row = try entry.bytes("row")
    let rowKey = try entry.digest("row key")
    var cipher = try entry.cipher()
    for index in row.indices {
      var changed = row
      changed[index] ^= 1
      #expect(throws: RecordError.self) {
        try IdempotencyRow.openAnswer(changed.rawSpan, rowKey: rowKey, cipher: &cipher)
      }
    }
  }

  @Test func aRowWithoutAnAnswerHasNoneToOpen() throws {
    let row = try golden[0].bytes("row")
    var cipher = try XAES256GCM(key: [UInt8](repeating: 0, count: 32).rawSpan)
    #expect(throws: RecordError.malformed) {
      try IdempotencyRow.openAnswer(row.rawSpan, rowKey: .zero, cipher: &cipher)
    }
  }

  @Test func whatIsNotOfTheFormatIsMalformed() throws {
    let running = try golden[0].bytes("row")
    let done = try golden[1].bytes("row")
    var wrong: [[UInt8]] = [[], [1], Array(running.dropLast()), running + [0]]
    wrong.append(Array(done.prefix(123)))
    wrong.append(done + [UInt8](repeating: 0, count: IdempotencyRow.longestAnswer))
    for (offset, byte) in [(1, 0), (1, 2), (1, 3), (52, 0), (68, 0x10), (79, 1), (83, 1), (107, 1)]
      as [(Int, UInt8)]
    {
      var row = running
      row[offset] = byte
      wrong.append(row)
    }
    for row in wrong {
      #expect(throws: RecordError.malformed) { try IdempotencyRow(of: row.rawSpan) }
    }
    let later = [2] + running.dropFirst()
    #expect(throws: RecordError.unsupportedVersion(2)) {
      try IdempotencyRow(of: later.rawSpan)
    }
  }

  @Test func anAnswerHasABoundedLength() throws {
    let entry = golden[1]
    let row = try value(of: entry)
    var cipher = try entry.cipher()
    let nonce = try entry.bytes("nonce")
    let longest = [UInt8](repeating: 1, count: IdempotencyRow.longestAnswer)
    let sealed = try row.seal(
      answer: longest.rawSpan, rowKey: .zero, nonce: nonce.rawSpan, cipher: &cipher)
    #expect(
      try IdempotencyRow.openAnswer(sealed.rawSpan, rowKey: .zero, cipher: &cipher) == longest)
    #expect(throws: RecordError.tooLarge) {
      try row.seal(
        answer: (longest + [1]).rawSpan, rowKey: .zero, nonce: nonce.rawSpan, cipher: &cipher)
    }
  }

  @Test func whateverIsReadAsRunningIsWrittenTheSame() throws {
    var random = SeededGenerator(seed: 17)
    let seeds = try golden.map { try $0.bytes("row") }
    var acceptedCount = 0
    for _ in 0..<20_000 {
      let bytes = random.mutate(seeds[Int.random(in: 0..<seeds.count, using: &random)])
      guard let row = try? IdempotencyRow(of: bytes.rawSpan) else { continue }
      acceptedCount += 1
      if row.state == .running { #expect(row.encodeRunning() == bytes) }
    }
    #expect(acceptedCount > 1_000)
  }
}
