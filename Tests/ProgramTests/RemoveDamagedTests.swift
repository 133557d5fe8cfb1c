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
      #expect(try stage.cadenas("status").contains("1 records that do not open; their cards would"))
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
      let digits = Array("0123456789abcdefghjkmnpqrstvwxyz".utf8)
      let number = token.utf8.dropFirst(4).reduce(UInt128(0)) {
        $0 << 5 | UInt128(digits.firstIndex(of: $1) ?? 0)
      }
      let key = (0..<16).map { UInt8(truncatingIfNeeded: number >> (120 - 8 * $0)) }
      var bytes = try fileBytes(of: path)
      var damaged = 0
      // The record follows its key, and begins with its version; a page that was used before may hold it too.
      for start in bytes.indices.dropLast(177)
      where bytes[start] == key[0] && bytes[start + 16] == 1
        && bytes[start..<start + 16] == key[...]
      {
        bytes[start + 16 + 90] ^= 1
        damaged += 1
      }
      try #require(damaged > 0)
      try Account.write(bytes, to: path)
    }
  }
}
