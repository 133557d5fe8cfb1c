import TestNetwork
import Testing

@testable import cadenas_dev

extension EndToEnd {
  /// A store without room.
  @Suite(.stage { $0.replacing("16GiB", with: "2MiB") }) struct FullStoreTests {
    @Test func aFullStoreSaysSoAndStillDeletesReadsAndStarts() async throws {
      try await verify(try Stage.current, limit: "store.map_size")
    }

    /// As little as the store may have, and more than its logs take.
    @Test func aFileThatMayNotBecomeLongerIsAFullStoreAndNoFailureOfTheDisk() async throws {
      var programs = try Account.programs
      programs.account += ["prlimit", "--fsize=\(2 << 20)", "--"]
      try await Stage.withStage(of: programs) { try await verify($0, limit: "RLIMIT_FSIZE") }
    }

    private func verify(_ stage: Stage, limit: String) async throws {
      let (tokens, refused) = try await fill(stage)
      expect(try #require(refused, "never full"), 507, "store-full")
      #expect(tokens.count > 100)
      try await verifyFull(stage, tokens)
      try await verifyTold(stage, limit)
      try await stage.stop()
      try await stage.start()
      try await verifyFull(stage, Array(tokens.dropFirst(20)))
      _ = try stage.cadenas("audit", "verify")
    }

    /// Tokenizes until there is no room.
    private func fill(_ stage: Stage) async throws -> (tokens: [String], refused: WireAnswer?) {
      let clients = 16
      let start = TestCardNumbers.randomStart()
      return try await withThrowingTaskGroup(of: ([String], WireAnswer?).self) { group in
        for client in 0..<clients {
          group.addTask {
            let wire = try await stage.connect()
            var numbers = TestCardNumbers(first: start, offset: client, stride: clients)
            var digits = [UInt8](repeating: 0, count: TestCardNumbers.length)
            var tokens: [String] = []
            while tokens.count < 2_000 {
              numbers.next(into: &digits)
              let answer = try await wire.ask(.tokenize(String(decoding: digits, as: UTF8.self)))
              guard let token = answer["token"] else { return (tokens, answer) }
              tokens.append(token)
            }
            return (tokens, nil)
          }
        }
        return try await group.reduce(into: ([], nil)) { all, one in
          all.0 += one.0
          all.1 = all.1 ?? one.1
        }
      }
    }

    /// Whoever asks is told, and what needs room ends with a reason.
    private func verifyTold(_ stage: Stage, _ limit: String) async throws {
      try await eventually("the log says it once") {
        count(of: "\"the store is full\".*every request but a deletion", stage) == 1
      }
      #expect(count(of: "the store is nearly full", stage) <= 1)
      #expect(try stage.cadenas("metrics").contains("\ncadenas_store_full 1\n"))
      let status = try stage.cadenas("status", "--format", "json")
      #expect(status.contains(#""accepts_new_cards":false"#))
      #expect(status.contains(#""lacks_room":[{"file":"cards.mdb","limit":"\#(limit)""#))
      #expect(
        try stage.cadenas("audit", "show", "--operation", "alarm").contains("rule=store-full"))
      let checked =
        "\(try #require(#expect(throws: DevelopmentError.self) { try stage.cadenas("check") }))"
      #expect(
        checked.contains("every request but a deletion is refused (507)")
          && checked.contains("status 1"))
      _ = try stage.cadenas("keys", "rotate", "data")
      let moved = #expect(throws: DevelopmentError.self) { try stage.cadenas("keys", "reencrypt") }
      let told = "\(try #require(moved))"
      #expect(told.contains("status 1") && told.contains("no room left in the store"))
      #expect(told.contains("It goes on by itself when there is room"))
      #expect(try stage.cadenas("status").contains("ended early: there is no room left"))
    }

    /// Lines of the log with `text`: there is one for each refused request, too many to read them here.
    private func count(of text: String, _ stage: Stage) -> Int {
      let found = try? ChildProcess.run(["grep", "-c", text, "\(stage.directory)/logs/vault.log"])
      return found.flatMap { Int($0.filter(\.isNumber)) } ?? 0
    }

    private func verifyFull(_ stage: Stage, _ tokens: [String]) async throws {
      let wire = try await stage.connect()
      let acquirer = try await stage.connect("acquirer")
      for token in tokens.prefix(20) { expect(try await wire.ask(.delete(token)), 204) }
      expect(try await wire.ask(.delete(tokens[0])), 404, "token-not-found")
      let pulled = try await acquirer.ask(.pull(tokens[tokens.count - 1]))
      if pulled.status != 200 { expect(pulled, 507, "store-full") }
    }
  }
}
