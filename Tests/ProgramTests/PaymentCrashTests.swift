import Glibc
import Synchronization
import TestNetwork
import Testing

@testable import cadenas_dev

extension EndToEnd {
  /// `kill -9` of the vault or of the acquirer while payments go on kept connections.
  ///
  /// `CADENAS_PAYMENT_CRASH_ROUNDS` says how often; a release is tested with 200. The witness is the
  /// acquirer's log, which has a line of each message that it has read, written before it answers.
  @Suite(.stage { $0.replacing("16GiB", with: "1GiB") }) struct PaymentCrashTests {
    private static let clients = 12

    private static let rounds: Int = {
      guard let text = unsafe getenv("CADENAS_PAYMENT_CRASH_ROUNDS") else { return 4 }
      return unsafe Int(String(cString: text)) ?? 4
    }()

    @Test func noPaymentIsSentTwiceAndEachHasOneOutcome() async throws {
      let stage = try Stage.current
      let token = try await stage.token(of: TestCard.visa)
      let paid = PaymentList()
      for round in 0..<Self.rounds {
        let goal = paid.count + Int.random(in: 1...120)
        try await withThrowingTaskGroup(of: Void.self) { group in
          for client in 0..<Self.clients {
            group.addTask {
              let wire = try await stage.connect()
              await Self.pay(token, "\(round)-\(client)", on: wire, paid)
            }
          }
          try await eventually("payments go on") { paid.count >= goal }
          if round % 2 == 0 { try await stage.kill() } else { try await stage.killAcquirer() }
          try await group.waitForAll()
        }
        do { try await stage.start() } catch {
          Issue.record("round \(round), the vault's log ends:\n\(stage.logs().suffix(2_000))")
          throw error
        }
      }
      try await check(paid)
    }

    /// One payment after the other until the connection is gone.
    private static func pay(
      _ token: String, _ name: String, on wire: Wire, _ paid: PaymentList
    ) async {
      for index in 0... {
        let request = WireRequest.push(token, amount: 4990, key: "\(name)-\(index)")
        guard let answer = try? await wire.ask(request) else { break }
        // While the service stops nothing is begun.
        if answer.status == 503 { break }
        guard [200, 502, 504].contains(answer.status), let payment = answer["payment_id"] else {
          Issue.record("a payment was answered \(answer.status) \(answer.body)")
          break
        }
        paid.add(payment, answer.status)
      }
      await wire.close()
    }

    private func check(_ paid: PaymentList) async throws {
      let stage = try Stage.current
      let seen = try Self.seen(
        in: DevelopmentFiles.readText("\(stage.directory)/logs/acquirer.log"))
      #expect(seen.values.allSatisfy { $0 == 1 }, "a payment was sent twice")
      let outcomes = try Self.outcomes(
        in: stage.cadenas("audit", "show", "--operation", "detokenize", "--format", "json"))
      #expect(outcomes.count > Self.rounds)
      for (payment, entries) in outcomes {
        #expect(entries.count == 2 && entries[0] == "intent", "\(payment): \(entries)")
        switch entries.last {
        case "approved": #expect(seen[payment] == 1, "\(payment) was approved by nobody")
        case "not_sent": #expect(seen[payment] == nil, "\(payment) was sent")
        case "unknown": break
        default: Issue.record("\(payment): \(entries)")
        }
      }
      for payment in seen.keys { #expect(outcomes[payment] != nil, "\(payment) has no intent") }
      let words = [200: "approved", 502: "not_sent", 504: "unknown"]
      for (payment, status) in paid.all {
        #expect(outcomes[payment]?.last == words[status], "\(payment): \(status)")
      }
      let (count, identifiers) = try await stage.received()
      #expect(count == Set(identifiers).count)
      _ = try stage.cadenas("audit", "verify")
      // Most of them on connections that had served another one before.
      expect(try await stage.ask(.push(stage.token(of: TestCard.visa), amount: 1, key: "a")), 200)
      expect(try await stage.ask(.push(stage.token(of: TestCard.visa), amount: 1, key: "b")), 200)
      expect(try await stage.ask(.push(stage.token(of: TestCard.visa), amount: 1, key: "c")), 200)
      let metrics = try stage.cadenas("metrics")
      #expect(!metrics.contains(#"connections_reused_total{acquirer="credit-du-nord"} 0"#))
    }

    /// How many messages of each payment the acquirer has read, in all its lives.
    private static func seen(in log: String) -> [String: Int] {
      var seen: [String: Int] = [:]
      for line in log.split(separator: "\n") where line.hasPrefix("pay_") {
        seen[String(line.prefix { $0 != " " }), default: 0] += 1
      }
      return seen
    }

    /// The outcomes of each payment's entries, in their order.
    private static func outcomes(in log: String) throws -> [String: [String]] {
      var outcomes: [String: [String]] = [:]
      for line in log.split(separator: "\n") {
        let members = try JSONMembers(Array(line.utf8))
        guard let payment = members["payment_id"], let outcome = members["outcome"] else {
          continue
        }
        outcomes[payment, default: []].append(outcome)
      }
      return outcomes
    }
  }
}

/// The payments that were answered, with the status.
private final class PaymentList: Sendable {
  private let payments = Mutex<[String: Int]>([:])

  var all: [String: Int] { payments.withLock { $0 } }
  var count: Int { payments.withLock { $0.count } }

  func add(_ payment: String, _ status: Int) {
    payments.withLock { payments in
      #expect(payments[payment] == nil, "\(payment) was given twice")
      payments[payment] = status
    }
  }
}
