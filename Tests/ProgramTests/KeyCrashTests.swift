import Glibc
import TestNetwork
import Testing

@testable import cadenas_dev

extension EndToEnd {
  /// `kill -9` at random moments while keys are rotated and cards are moved, of the service or of the
  /// command that asked.
  ///
  /// `CADENAS_KEY_CRASH_ROUNDS` says how often; fifty, unless it is set.
  @Suite(.stage { $0.replacing("16GiB", with: "1GiB") }) struct KeyCrashTests {
    private static let clients = 16
    private static let cards = 2_000
    private static let longestMilliseconds = 120

    private static let rounds: Int = {
      guard let text = unsafe getenv("CADENAS_KEY_CRASH_ROUNDS") else { return 50 }
      return unsafe Int(String(cString: text)) ?? 50
    }()

    @Test func afterEveryCrashTheStateIsOneOfBeforeOrAfterAndWorkGoesOn() async throws {
      let stage = try Stage.current
      var tokens = try await tokenizeAll()
      let commands = [
        ["keys", "rotate", "data"], ["keys", "reencrypt"], ["keys", "rotate", "fingerprint"],
        ["keys", "reencrypt"], ["keys", "rotate", "kek"], ["keys", "rotate", "audit"],
      ]
      for round in 0..<Self.rounds {
        let command = commands[round % commands.count]
        let delay = Int64.random(in: 0...Int64(Self.longestMilliseconds))
        let isService = round % 3 != 2
        if let child = try? stage.spawn(command) {
          try await pause(milliseconds: delay)
          if isService { try await stage.kill() } else { child.send(SIGKILL) }
          _ = child.wait()
        }
        if isService { try await stage.start() }
        try await check(&tokens, "round \(round): \(command.joined(separator: " ")) \(delay) ms")
      }
      try await finish()
      for (number, token) in try await tokenizeAll() { #expect(tokens[number] == token) }
      let acquirer = try await stage.connect("acquirer")
      for (number, token) in tokens {
        let card = try await acquirer.ask(.pull(token))
        #expect(card["number"] == number)
      }
      await acquirer.close()
      #expect(tokens.count >= Self.cards)
      _ = try stage.cadenas("audit", "verify")
      _ = try stage.cadenas("store", "verify")
    }

    /// Every role has one active key, and cards are found, read and added.
    private func check(_ tokens: inout [String: String], _ what: String) async throws {
      let stage = try Stage.current
      let status = try stage.cadenas("keys", "status", "--format", "json")
      for role in ["kek", "data", "audit"] {
        let active = status.ranges(of: "\"role\":\"\(role)\",\"state\":\"active\"").count
        #expect(active == 1, "\(what): \(role) \(status)")
      }
      let shop = try await stage.connect()
      let acquirer = try await stage.connect("acquirer")
      for (number, token) in tokens.shuffled().prefix(8) {
        let again = try await shop.ask(.tokenize(number))
        #expect(again.status == 200 && again["token"] == token, "\(what): \(again.body)")
        let card = try await acquirer.ask(.pull(token))
        #expect(card["number"] == number, "\(what): \(card.status)")
      }
      var numbers = TestCardNumbers(first: TestCardNumbers.randomStart(), offset: 0, stride: 1)
      let number = Self.next(&numbers)
      let made = try await shop.ask(.tokenize(number))
      #expect(made.status == 201 || tokens[number] != nil, "\(what): \(made.body)")
      tokens[number] = made["token"]
      await shop.close()
      await acquirer.close()
    }

    /// What was begun comes to its end.
    private func finish() async throws {
      let stage = try Stage.current
      try await eventually("no rotation is under way") {
        (try? stage.cadenas("keys", "rotate", "fingerprint")) != nil
      }
      let moved = try stage.cadenas("keys", "reencrypt", "--format", "json")
      #expect(moved.contains("\"left\":0"))
    }

    private static func next(_ numbers: inout TestCardNumbers) -> String {
      var digits = [UInt8](repeating: 0, count: TestCardNumbers.length)
      numbers.next(into: &digits)
      return String(decoding: digits, as: UTF8.self)
    }

    /// The tokens of all cards.
    private func tokenizeAll() async throws -> [String: String] {
      let stage = try Stage.current
      return try await withThrowingTaskGroup(of: [String: String].self) { group in
        for client in 0..<Self.clients {
          group.addTask {
            let wire = try await stage.connect()
            var numbers = TestCardNumbers(first: 7, offset: client, stride: Self.clients)
            var found: [String: String] = [:]
            for _ in 0..<Self.cards / Self.clients {
              let number = Self.next(&numbers)
              found[number] = try await wire.ask(.tokenize(number))["token"]
            }
            await wire.close()
            return found
          }
        }
        return try await group.reduce(into: [:]) { $0.merge($1) { first, _ in first } }
      }
    }
  }
}

extension Stage {
  /// Starts `cadenas` against the installation.
  fileprivate func spawn(_ arguments: [String]) throws -> ChildProcess {
    let log = unsafe open(
      "\(directory)/logs/commands.log", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
    guard log >= 0 else { throw Failed("no log") }
    defer { close(log) }
    return try ChildProcess.spawn(
      programs.vaultCommand(arguments + ["--config", configuration]), name: "cadenas", output: log)
  }
}
