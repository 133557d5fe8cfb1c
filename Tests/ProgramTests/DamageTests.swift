import Glibc
import TestNetwork
import TestSupport
import Testing

@testable import cadenas_dev

extension EndToEnd {
  /// A file of the store that is damaged while the vault is stopped: nothing ends by a signal, no card
  /// gets a second token, no answer is wrong, and what reads would show, `store verify` finds.
  ///
  /// `CADENAS_DAMAGE_ROUNDS` says how many damages, `CADENAS_DAMAGE_SEED` which; a release is tested with
  /// 1,000, after each of which every card is asked for.
  @Suite(.stage { $0.replacing("16GiB", with: "1GiB\n  journal: 1MiB") }) struct DamageTests {
    private static let rounds = number(of: "CADENAS_DAMAGE_ROUNDS") ?? 12
    private static let seed = UInt64(number(of: "CADENAS_DAMAGE_SEED") ?? 14)

    private static func number(of variable: String) -> Int? {
      unsafe getenv(variable).flatMap { unsafe Int(String(cString: $0)) }
    }

    @Test func whateverHappensToItsFilesNoAnswerIsWrong() async throws {
      let stage = try Stage.current
      let store = try await DamagedStore(stage, cards: 2_000, isKilled: true)
      var random = SeededGenerator(seed: Self.seed)
      var table = DamageTable()
      for round in 0..<Self.rounds {
        let damage = Damage.random(of: store, using: &random)
        try store.restore(damage)
        let found = try store.verify()
        let answers = try await store.ask(every: Self.rounds > 100 ? 1 : 13)
        #expect(answers.wrong.isEmpty, "\(round): \(damage): \(answers.wrong.prefix(3))")
        #expect(
          answers.isAsBefore || !found.isEmpty,
          "\(round): \(damage) shows and is not found: \(answers.refused) refused")
        table.add(damage.kind, found: !found.isEmpty, answers)
      }
      print(table.text)
      try store.restore(nil)
      try await stage.start()
    }

    /// The smallest inputs: a misdirected write, a page that the disk has lost.
    @Test(arguments: [
      ("index.mdb", "fingerprints", "swap"), ("index.mdb", "fingerprints", "root"),
      ("index.mdb", "fingerprints", "leaf"), ("cards.mdb", "cards", "swap"),
      ("cards.mdb", "idempotency", "swap"), ("cards.mdb", "cards", "leaf"),
    ])
    func aPageThatIsAnotherOrNoneIsFound(_ file: String, _ table: String, _ what: String)
      async throws
    {
      let stage = try Stage.current
      let store = try await DamagedStore(stage, cards: 600)
      let pages = StoreFile(store.bytes(of: file)).leaves(of: table)
      try #require(pages.leaves.count > 3)
      let (first, second) = (pages.leaves[1], pages.leaves[pages.leaves.count - 2])
      let damage: Damage =
        switch what {
        case "swap": .swap(file, first, second)
        case "root": .fill(file, pages.root, 0)
        default: .fill(file, first, 0)
        }
      try store.restore(damage)
      #expect(try !store.verify().isEmpty)
      let answers = try await store.ask(every: 1)
      #expect(answers.wrong.isEmpty, "\(answers.wrong.prefix(3))")
      if file == "index.mdb" {
        #expect(answers.isAsBefore, "it is derived: \(answers)")
      } else {
        #expect(answers.isStartRefused)
        #expect(stage.logs().contains("is damaged"))
      }
      try store.restore(nil)
      try await stage.start()
    }
  }
}
