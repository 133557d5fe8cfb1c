import Glibc
import TestNetwork
import TestSupport
import Testing

@testable import cadenas_dev

extension EndToEnd {
  /// A record that a disk has damaged, up to the day on which nobody is reminded of it.
  @Suite(.stage) struct RemoveDamagedTests {
    @Test func aRecordThatDoesNotOpenIsGivenUpAndAllIsSoundAgain() async throws {
      let stage = try Stage.current
      let token = try await stage.token(of: "4970105181818183")
      try await stage.stop()
      try damageRecord(of: token, in: "\(stage.directory)/store/cards.mdb")
      try await stage.start()
      let whole = try await stage.token(of: "4111111111111111")
      #expect(try await stage.ask(.delete(token)).status == 500)
      #expect(try refused(stage, "store", "verify").contains("  \(token)\n"))
      #expect(
        try refused(stage, "keys", "rotate", "fingerprint").contains("1 record does not open"))
      #expect(try stage.cadenas("status").contains("1 record does not open"))
      let line = try await stage.logLine(with: "rotation of the fingerprint key does not end")
      #expect(line.contains("\"count\":\"1\""))
      #expect(
        try stage.cadenas("store", "remove-damaged", token).hasPrefix("\(token) does not open\n"))
      #expect(
        try refused(stage, "store", "remove-damaged", whole).hasPrefix("\(whole) stays: it opens"))
      let execute = ["--execute", "--reason", "no backup has it"]
      let both = try refused(stage, ["store", "remove-damaged", token, whole] + execute)
      #expect(both.contains("\(whole) stays: it opens"))
      #expect(
        try stage.cadenas(["store", "remove-damaged", token] + execute) == "\(token) is removed\n")
      #expect(try stage.cadenas("store", "verify").hasPrefix("intact\n"))
      #expect(
        try stage.cadenas("store", "backup", "--to", "\(stage.directory)/after.mdb")
          .hasPrefix("done\n"))
      #expect(try await stage.ask(.delete(token)).status == 404)
      try await eventually("the rotation has ended") {
        try !stage.cadenas("status").contains("does not open")
      }
      let shown = try stage.cadenas("audit", "show", "--operation", "store.remove-damaged")
      #expect(shown.contains("refused (cause=record-opens records=2 reason=no backup has it)"))
      #expect(shown.contains("deleted (counted_under="))
      #expect(try stage.cadenas("audit", "verify").hasPrefix("intact\n"))
    }

    @Test func aKeptAnswerThatDoesNotOpenIsGivenUpAndPaymentsGoOn() async throws {
      let stage = try Stage.current
      let token = try await stage.token(of: TestCard.visa)
      func pay(_ key: String) async throws -> Int {
        try await stage.ask(.push(token, amount: 4_990, key: key)).status
      }
      #expect(try await pay("once") == 200)
      try await stage.stop()
      try damageRow(of: token, in: "\(stage.directory)/store/cards.mdb")
      try await stage.start()
      #expect(try await pay("once") == 500)
      // The acquirer counts from its start.
      #expect(try await stage.received().count == 0)
      #expect(try stage.cadenas("status").contains("1 records or kept answers"))
      let verified = try refused(stage, "store", "verify")
      #expect(verified.contains("rows-damaged: 1 kept answer does not open"))
      let row = verified.firstMatch(of: /row_[0-9a-f]{64}\n/)
      let name = try #require(row.map { String($0.0.dropLast()) })
      _ = try stage.cadenas("keys", "rotate", "data")
      let moved = try stage.cadenas("keys", "reencrypt")
      #expect(moved.contains(/that do not open +1/), "\(moved)")
      #expect(
        try stage.cadenas("store", "remove-damaged", name).hasPrefix("\(name) does not open\n"))
      let execute = ["--execute", "--reason", "no backup has it"]
      let both = try refused(stage, ["store", "remove-damaged", name, token] + execute)
      #expect(both.contains("\(token) stays: it opens"))
      #expect(
        try stage.cadenas(["store", "remove-damaged", name] + execute) == "\(name) is removed\n")
      #expect(try stage.cadenas("store", "verify").hasPrefix("intact\n"))
      #expect(
        try stage.cadenas("store", "backup", "--to", "\(stage.directory)/rows.mdb")
          .hasPrefix("done\n"))
      for number in 0..<5 { #expect(try await pay("other-\(number)") == 200) }
      // Nobody remembers it: it is sent again.
      #expect(try await pay("once") == 200)
      #expect(try await stage.received().count == 6)
      let shown = try stage.cadenas("audit", "show", "--operation", "store.remove-damaged")
      #expect(shown.contains("done (counted_under=none reason=no backup has it)"))
      try await eventually("the look at the whole store finds nothing") {
        try !stage.cadenas("status").contains("records or kept answers")
      }
      #expect(try stage.cadenas("audit", "verify").hasPrefix("intact\n"))
    }

    @Test func anIndexThatIsFilledWithoutARecordSaysSoAndTheSecondTokenIsTold() async throws {
      let stage = try Stage.current
      let path = "\(stage.directory)/store/cards.mdb"
      let older = try await stage.token(of: "5555555555554444")
      try await stage.stop()
      try damageRecord(of: older, in: path)
      for name in ["index.mdb", "index.mdb-lock"] {
        unsafe unlink("\(stage.directory)/store/\(name)")
      }
      try await stage.start()
      let line = try await stage.logLine(with: "their cards may get a second token")
      #expect(line.contains("\"count\":\"1\""))
      #expect(try stage.cadenas("status").contains("1 records that do not open; their cards may"))
      #expect(try stage.cadenas("metrics").contains("cadenas_index_left_out 1\n"))
      #expect(
        try refused(stage, "store", "verify").contains("index.mdb has lost 1 of them, whose cards"))
      let newer = try await stage.token(of: "5555555555554444")
      #expect(newer != older)
      try await stage.stop()
      // As it was: no disk does that, a restored backup or an earlier version has it so.
      try damageRecord(of: older, in: path)
      try await stage.start()
      let verified = try stage.cadenas("store", "verify")
      #expect(verified.hasPrefix("intact\n"))
      #expect(verified.contains("second-tokens: 1 card has two tokens of one merchant"))
      #expect(verified.contains("  two tokens: \(older), then \(newer)\n"))
      #expect(try stage.cadenas("status").contains("1 cards; see cadenas store verify"))
      #expect(try stage.cadenas("metrics").contains("cadenas_second_tokens 1\n"))
      #expect(try await stage.ask(.delete(older)).status == 204)
      #expect(try !stage.cadenas("store", "verify").contains("second-tokens"))
    }

    private func refused(_ stage: Stage, _ arguments: String...) throws -> String {
      try refused(stage, arguments)
    }

    /// What a command prints that ends with 1.
    private func refused(_ stage: Stage, _ arguments: [String]) throws -> String {
      do {
        let output = try stage.cadenas(arguments)
        Issue.record("\(arguments) was done: \(output)")
        return output
      } catch DevelopmentError.toolFailed(_, let status, let output) {
        #expect(status == "\(cadenas_dev.ExitStatus.exited(1))", "\(output)")
        return output
      }
    }

    /// Flips a bit of a record's ciphertext in the file of a store at rest.
    private func damageRecord(of token: String, in path: String) throws {
      let key = key(of: token)
      // The record follows its key, and begins with its version.
      try flip(in: path) { bytes, start in
        bytes[start + 16] == 1 && bytes[start..<start + 16] == key[...] ? [start + 106] : []
      }
    }

    /// Flips a bit of the answer that is kept for a payment with a card, and one of its row's key.
    private func damageRow(of token: String, in path: String) throws {
      let key = key(of: token)
      // The row follows its key, and begins with its version, and that it is done.
      try flip(in: path) { bytes, start in
        let row = start + 32
        guard bytes[row] == 1, bytes[row + 1] == 2, bytes[row + 62..<row + 78] == key[...],
          bytes[row + 46..<row + 62].contains(where: { $0 != 0 })
        else { return [] }
        return [row - 1, row + 115]
      }
    }

    /// The bytes of a token.
    private func key(of token: String) -> [UInt8] {
      let digits = Array("0123456789abcdefghjkmnpqrstvwxyz".utf8)
      let number = token.utf8.dropFirst(4).reduce(UInt128(0)) {
        $0 << 5 | UInt128(digits.firstIndex(of: $1) ?? 0)
      }
      return (0..<16).map { UInt8(truncatingIfNeeded: number >> (120 - 8 * $0)) }
    }

    /// Flips the lowest bit of each byte that `places` names for a place in a file; a page that was used
    /// before may hold the same.
    private func flip(in path: String, _ places: (_ bytes: [UInt8], _ start: Int) -> [Int]) throws {
      var bytes = try fileBytes(of: path)
      let found = bytes.indices.dropLast(177).flatMap { places(bytes, $0) }
      try #require(!found.isEmpty)
      for place in found { bytes[place] ^= 1 }
      try Account.write(bytes, to: path)
    }
  }
}
