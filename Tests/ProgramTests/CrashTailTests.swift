import TestNetwork
import Testing

@testable import cadenas_dev

extension EndToEnd {
  /// What a crash leaves without a signed checkpoint, where nothing is written for a minute after it.
  @Suite struct CrashTailTests {
    private static let mostRounds = 50

    @Test func aCrashAMinuteOfStandstillAndASecondCrashLookLikeNoTampering() async throws {
      let clock = try MovedClock()
      try await Stage.withStage(of: clock.programs) { stage in
        // Where a checkpoint was signed between the last entry and the crash, there is nothing to see.
        for round in 1...Self.mostRounds {
          _ = try await stage.token(of: TestCard.visa)
          try await stage.kill()
          try clock.set(aheadSeconds: 75 * round)
          try await stage.start()
          try await stage.kill()
          // The store is looked at as both have left it, with the keys of its source.
          _ = try stage.cadenas("audit", "verify")
          let noted = try stage.cadenas("audit", "show", "--outcome", "uncovered")
          try await stage.start()
          _ = try stage.cadenas("audit", "verify")
          if noted.contains("from=") { return }
        }
        Issue.record("no crash has left anything without a checkpoint")
      }
    }
  }
}
