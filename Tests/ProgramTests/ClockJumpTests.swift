import TestNetwork
import Testing

@testable import cadenas_dev

extension EndToEnd {
  /// A vault whose wall clock is set while it runs.
  @Suite struct ClockJumpTests {
    /// Runs `body` with an installation whose clock it sets, the answer to a payment, and a function
    /// that asks for the same payment again.
    private func withPayment(
      _ body: (
        _ stage: Stage, _ clock: MovedClock, _ first: String, _ pay: () async throws -> String
      ) async throws -> Void
    ) async throws {
      let clock = try MovedClock()
      try await Stage.withStage(of: clock.programs) { stage in
        let token = try await stage.token(of: TestCard.visa)
        func pay() async throws -> String {
          try await stage.ask(.push(token, amount: 4_990, key: "once")).body
        }
        try await body(stage, clock, try await pay(), pay)
      }
    }

    @Test func aClockThatIsADayAheadForThreeSecondsSendsNoPaymentTwice() async throws {
      try await withPayment { stage, clock, first, pay in
        try clock.set(aheadSeconds: 90_000)
        #expect(try await pay() == first)
        // A tick of the service purges what has waited, and notes the jump.
        try await eventually("the jump is an entry") {
          let shown = try stage.cadenas("audit", "show", "--operation", "clock")
          return shown.contains("jumped") && shown.contains("+90000s")
        }
        #expect(try await pay() == first)
        let uptime = try JSONMembers(Array(stage.cadenas("status", "--format", "json").utf8))
          .integer("uptime_seconds")
        #expect(try #require(uptime) < 80_000, "time has passed as it did, whatever the clock says")
        try clock.set(aheadSeconds: 0)
        #expect(try await pay() == first)
        #expect(try await stage.received().count == 1)
        let alarms = try stage.cadenas("audit", "show", "--operation", "alarm")
        #expect(alarms.contains("rule=clock-jumped"))
        _ = try stage.cadenas("audit", "verify")
      }
    }

    @Test func startsWithAClockThatIsADayAheadSendNoPaymentTwice() async throws {
      try await withPayment { stage, clock, first, pay in
        try clock.set(aheadSeconds: 90_000)
        #expect(try await pay() == first)
        try await stage.kill()
        for _ in 0..<2 {
          try await stage.start()
          #expect(try await pay() == first)
          _ = try await stage.stop()
        }
        try await stage.start()
        #expect(try await pay() == first)
        _ = try stage.cadenas("store", "verify")
      }
    }
  }
}
