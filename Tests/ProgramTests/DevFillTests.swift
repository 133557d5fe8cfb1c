import NIOHTTP1
import Testing

@testable import cadenas_dev

@Suite(.serialized) struct DevFillTests {
  private static func fill(_ directory: String, to cards: Int) throws -> String {
    try ChildProcess.run(
      Account.programs.developmentCommand([
        "fill", "--directory", directory, "--cards", "\(cards)",
      ]))
  }

  private static func number(_ index: Int) -> String {
    var digits = [UInt8](repeating: 0, count: TestCardNumbers.length)
    TestCardNumbers.write(index, into: &digits)
    return String(decoding: digits, as: UTF8.self)
  }

  @Test func aFilledStoreIsOneThatTheVaultCouldHaveWritten() throws {
    try withScratchDirectory { directory in
      let path = "\(directory)/i"
      let empty = try RunningInstallation(
        directory: path, programs: Account.programs, life: .free)
      #expect(throws: DevelopmentError.self) { try Self.fill(path, to: 10) }
      #expect(empty.stop() == .exited(0))
      #expect(try Self.fill(path, to: 3_000).hasPrefix("3000 cards in the store, 3000 of them new"))
      #expect(try Self.fill(path, to: 9_000).hasPrefix("9000 cards in the store, 6000 of them new"))

      let running = try RunningInstallation(
        directory: path, programs: Account.programs, life: .free)
      defer { running.stop() }
      _ = try running.cadenas("audit", "verify")
      _ = try running.cadenas("store", "verify")
      let shop = try running.client("shop")
      for (index, status) in [(0, 200), (8_999, 200), (9_000, 201)] {
        let body = #"{"number":"\#(Self.number(index))","exp_month":12,"exp_year":2035}"#
        let answer = try shop.send(.POST, "/v1/tokens", body: body)
        #expect(Int(answer.status) == status)
      }
    }
  }

  @Test func everyOperationOfABenchIsAnsweredAsItHasToBe() throws {
    try withScratchDirectory { directory in
      let running = try RunningInstallation(
        directory: "\(directory)/i", programs: Account.programs, life: .free)
      defer { running.stop() }
      for operation in BenchPlan.Operation.allCases where operation != .fixed {
        let line = try ChildProcess.run(
          running.programs.developmentCommand([
            "bench", "--vault", running.vault.url,
            "--pki", "\(running.directory)/pki", "--operation", operation.rawValue,
            "--connections", "4", "--seconds", "1", "--warm-up", "0", "--prepare", "400",
            "--process", "\(running.vaultProcess)", "--format", "json",
          ]))
        let report = try JSONMembers(Array(line.utf8))
        #expect(report["failures"] == "0", "\(operation)")
        #expect(report["requests"].flatMap { Int($0) } ?? 0 > 0, "\(operation)")
      }
      _ = try running.cadenas("store", "verify")
    }
  }
}
