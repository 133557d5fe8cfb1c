import Synchronization
import TestNetwork
import Testing

@testable import cadenas_dev

extension EndToEnd {
  /// Rotations and a re-encryption by an auditor's commands, while sixteen clients ask.
  @Suite(.stage { $0.replacing("16GiB", with: "1GiB") }) struct KeyRotationTests {
    private static let clients = 16

    @Test func underLoadNothingFailsAndEveryCardKeepsItsToken() async throws {
      let stage = try Stage.current
      let start = TestCardNumbers.randomStart()
      let answers = Answers()
      try await withThrowingTaskGroup(of: Void.self) { group in
        for client in 0..<Self.clients {
          group.addTask {
            let wire = try await stage.connect()
            var numbers = TestCardNumbers(first: start, offset: client, stride: Self.clients)
            var digits = [UInt8](repeating: 0, count: TestCardNumbers.length)
            var known: [String] = []
            while !answers.isDone.load(ordering: .relaxed) || known.count < 20 {
              var number = known.isEmpty ? "" : known[known.count / 2]
              if known.count % 3 != 2 {
                numbers.next(into: &digits)
                number = String(decoding: digits, as: UTF8.self)
              }
              let answer = try await wire.ask(.tokenize(number))
              #expect(answer.status == 200 || answer.status == 201)
              known.append(number)
              let token = try #require(answer["token"])
              answers.tokens.withLock { _ = $0[number, default: []].insert(token) }
            }
            await wire.close()
          }
        }
        for role in ["data", "fingerprint", "audit", "kek"] {
          let text = try stage.cadenas("keys", "rotate", role, "--format", "json")
          #expect(text.contains("\"role\":\"\(role)\""))
        }
        let moved = try stage.cadenas("keys", "reencrypt", "--format", "json")
        #expect(moved.contains("\"left\":0"))
        answers.isDone.store(true, ordering: .relaxed)
        try await group.waitForAll()
      }
      try await stage.kill()
      try await stage.start()
      let shop = try await stage.connect()
      let acquirer = try await stage.connect("acquirer")
      for (number, found) in answers.tokens.withLock({ $0 }) {
        #expect(found.count == 1, "a card has two tokens")
        guard let token = found.first else { continue }
        let again = try await shop.ask(.tokenize(number))
        #expect(again["token"] == token)
        let card = try await acquirer.ask(.pull(token))
        #expect(card["number"] == number)
      }
      await shop.close()
      await acquirer.close()
      _ = try stage.cadenas("audit", "verify")
      _ = try stage.cadenas("store", "verify")
    }
  }

  /// What the clients were told.
  private final class Answers: Sendable {
    let isDone = Atomic(false)
    let tokens = Mutex<[String: Set<String>]>([:])
  }
}
