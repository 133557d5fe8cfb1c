import Glibc
import Synchronization
import TestNetwork
import Testing

@testable import cadenas_dev

extension EndToEnd {
  /// `kill -9` of the vault under load, again and again on one store.
  ///
  /// `CADENAS_CRASH_ROUNDS` says how often; a release is tested with 20.
  @Suite(.stage { $0.replacing("16GiB", with: "1GiB") }) struct CrashTests {
    private static let clients = 32

    private static let rounds: Int = {
      guard let text = unsafe getenv("CADENAS_CRASH_ROUNDS") else { return 4 }
      return unsafe Int(String(cString: text)) ?? 4
    }()

    @Test func whatWasAcknowledgedIsThereAfterEveryCrash() async throws {
      let stage = try Stage.current
      let ledger = CrashLedger()
      let start = TestCardNumbers.randomStart()
      for round in 0..<Self.rounds {
        let goal = ledger.acknowledged + Int.random(in: 300...900)
        try await withThrowingTaskGroup(of: Void.self) { group in
          for client in 0..<Self.clients {
            let numbers = TestCardNumbers(
              first: start, offset: round * Self.clients + client,
              stride: Self.rounds * Self.clients)
            group.addTask {
              var load = CrashLoad(ledger, name: "\(round)-\(client)", numbers: numbers)
              await load.run(on: try await stage.connect())
            }
          }
          try await eventually("the load goes on") { ledger.acknowledged >= goal }
          try await stage.kill()
          try await group.waitForAll()
        }
        if round == 1 {
          try ChildProcess.run(["rm", "-f", "\(stage.directory)/store/index.mdb"])
        }
        try await stage.start()
        try await verify(ledger, round)
      }
      _ = try stage.cadenas("audit", "verify")
      _ = try stage.cadenas("store", "verify")
      #expect(ledger.cards.count >= Self.rounds * 100)
    }

    /// Checks all cards and payments of all rounds so far, on as many connections as the load had.
    private func verify(_ ledger: CrashLedger, _ round: Int) async throws {
      let stage = try Stage.current
      let cards = Array(ledger.cards)
      let payments = ledger.payments
      try await withThrowingTaskGroup(of: Void.self) { group in
        for client in 0..<Self.clients {
          group.addTask {
            let acquirer = try await stage.connect("acquirer")
            let shop = try await stage.connect()
            for index in stride(from: client, to: cards.count, by: Self.clients) {
              try await verify(cards[index].key, cards[index].value, round, shop, acquirer)
            }
            for index in stride(from: client, to: payments.count, by: Self.clients) {
              let replayed = try await shop.ask(payments[index].request)
              #expect(
                replayed.status == 200 && replayed.body == payments[index].answer, "round \(round)")
            }
            await acquirer.close()
            await shop.close()
          }
        }
        try await group.waitForAll()
      }
    }

    private func verify(
      _ number: String, _ card: CrashLedger.Card, _ round: Int, _ shop: Wire, _ acquirer: Wire
    ) async throws {
      #expect(card.tokens.count == 1, "round \(round): a card has two tokens")
      guard let token = card.tokens.first else { return }
      let pulled = try await acquirer.ask(.pull(token))
      switch card.deletion {
      case .none:
        #expect(pulled["number"] == number, "round \(round): \(token) \(pulled.status)")
        let again = try await shop.ask(.tokenize(number))
        #expect(again.status == 200 && again["token"] == token, "round \(round)")
      case .acknowledged:
        #expect(pulled.status == 404, "round \(round): a deleted card is back")
      case .asked:
        #expect([200, 404].contains(pulled.status), "round \(round)")
      }
    }
  }
}

/// What the vault has acknowledged to all clients.
private final class CrashLedger: Sendable {
  struct Card {
    var tokens: Set<String> = []
    var deletion: Deletion?
  }

  enum Deletion { case asked, acknowledged }

  struct Payment {
    let request: WireRequest
    let answer: String
  }

  private struct State {
    var cards: [String: Card] = [:]
    var payments: [Payment] = []
    var acknowledged = 0
  }

  private let state = Mutex(State())

  var cards: [String: Card] { state.withLock { $0.cards } }
  var payments: [Payment] { state.withLock { $0.payments } }
  var acknowledged: Int { state.withLock { $0.acknowledged } }

  func tokenized(_ number: String, _ token: String) {
    state.withLock { state in
      state.cards[number, default: Card()].tokens.insert(token)
      state.acknowledged += 1
    }
  }

  func deleting(_ number: String, _ deletion: Deletion) {
    state.withLock { $0.cards[number]?.deletion = deletion }
  }

  func paid(_ payment: Payment) {
    state.withLock { $0.payments.append(payment) }
  }
}

/// One client of the load: new cards, the same cards as all others, deletions, payments.
private struct CrashLoad {
  private let ledger: CrashLedger
  private let name: String
  private var numbers: TestCardNumbers

  /// Cards that all clients of all rounds have in common.
  private static let shared = ["4111111111111111", "5555555555554444", "378282246310005"]

  init(_ ledger: CrashLedger, name: String, numbers: TestCardNumbers) {
    self.ledger = ledger
    self.name = name
    self.numbers = numbers
  }

  /// Sends one request after the other until the connection is gone.
  mutating func run(on wire: Wire) async {
    for index in 0... {
      do {
        try await step(index, wire)
      } catch {
        return
      }
    }
  }

  private mutating func step(_ index: Int, _ wire: Wire) async throws {
    let number = index % 5 == 4 ? Self.shared[index / 5 % 3] : nextNumber()
    let answer = try await wire.ask(.tokenize(number))
    guard [200, 201].contains(answer.status), let token = answer["token"] else {
      Issue.record("tokenize answered \(answer.status) \(answer.body)")
      return
    }
    ledger.tokenized(number, token)
    switch index % 10 {
    case 3:
      ledger.deleting(number, .asked)
      let deleted = try await wire.ask(.delete(token))
      #expect(deleted.status == 204)
      ledger.deleting(number, .acknowledged)
    case 7:
      let request = WireRequest.push(token, amount: 4990, key: "\(name)-\(index)")
      let paid = try await wire.ask(request)
      #expect(paid.status == 200)
      ledger.paid(CrashLedger.Payment(request: request, answer: paid.body))
    default: break
    }
  }

  private mutating func nextNumber() -> String {
    var digits = [UInt8](repeating: 0, count: TestCardNumbers.length)
    numbers.next(into: &digits)
    return String(decoding: digits, as: UTF8.self)
  }
}
