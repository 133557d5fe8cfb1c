import Glibc
import TestNetwork
import Testing

@testable import cadenas_dev

extension EndToEnd {
  /// A file of the store that is damaged under the service.
  @Suite(.stage { $0.replacing("16GiB", with: "1GiB") }) struct LiveDamageTests {
    @Test func aPageThatIsLostUnderTheServiceIsFoundAndEndsNothing() async throws {
      let stage = try Stage.current
      let store = try await DamagedStore(stage, cards: 600)
      try store.restore(nil)
      try await stage.start()
      let leaves = StoreFile(store.bytes(of: "cards.mdb")).leaves(of: "cards").leaves
      try store.overwrite("cards.mdb", page: leaves[1], with: [UInt8](repeating: 0, count: 4_096))
      let failure = #expect(throws: DevelopmentError.self) {
        try stage.cadenas("store", "verify", "--format", "json")
      }
      guard case .toolFailed(_, let status, let output) = failure else {
        Issue.record("\(String(describing: failure))")
        return
      }
      #expect(status == "\(cadenas_dev.ExitStatus.exited(1))")
      #expect(output.contains("\"file-damaged\""))
      #expect(output.contains("page \(leaves[1]) of "))
      // Nobody has died of it.
      let isAlive = (try? stage.cadenas("status")) != nil
      #expect(isAlive, "\(stage.logs().suffix(2_000))")
      let acquirer = try await stage.connect("acquirer")
      let last = try #require(store.cards.last)
      let pulled = try await acquirer.ask(.pull(last.token))
      #expect(pulled["number"] == last.number)
      await acquirer.close()
      #expect(try stage.cadenas("metrics").contains("rule=\"store-damaged\"} 1\n"))
      try await stage.kill()
      try store.restore(nil)
      try await stage.start()
    }

    /// Whoever touches a page that is gone ends, and nobody else is there to say why.
    @Test(arguments: [0, 8_192])
    func aFileThatIsCutOffUnderTheServiceEndsItWithALine(bytes: Int) async throws {
      let stage = try Stage.current
      let store = try await DamagedStore(stage, cards: 600)
      try store.restore(nil)
      try await stage.start()
      let acquirer = try await stage.connect("acquirer")
      let last = try #require(store.cards.last)
      #expect(try await acquirer.ask(.pull(last.token))["number"] == last.number)
      let before = stage.logs().count
      // The request is there as soon as it goes on.
      try stage.signal(SIGSTOP)
      async let answer = acquirer.ask(.pull(last.token))
      try #require(unsafe truncate("\(stage.directory)/store/cards.mdb", bytes) == 0)
      try stage.signal(SIGCONT)
      _ = try? await answer
      var line = ""
      try await eventually("the log says why") {
        let lines = stage.logs().dropFirst(before).split(separator: "\n")
        let words = ["cards.mdb", "cut off", "restore a backup"]
        line = lines.first { line in words.allSatisfy { line.contains($0) } }.map { "\($0)" } ?? ""
        return !line.isEmpty
      }
      #expect(
        line.hasPrefix("{\"time\":\"20") && line.contains("\"level\":\"critical\""), "\(line)")
      #expect(try await stage.stop() != .exited(0))
      let start = await #expect(throws: DevelopmentError.self) { try await stage.start() }
      #expect("\(try #require(start))".contains("status 3 before it answered"))
      try store.restore(nil)
      try await stage.start()
    }
  }
}
