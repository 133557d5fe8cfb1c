import TestNetwork
import TestSupport
import Testing

@testable import cadenas_dev

extension EndToEnd {
  /// The store of a vault that was killed right after it had answered, read from outside before the vault
  /// starts again.
  @Suite(.stage { $0.replacing("16GiB", with: "64MiB") }) struct KilledStoreTests {
    private static let rounds = 4
    private static let cardsInRound = 25

    @Test func itIsReadFromOutsideAsTheVaultServesItAfterARestart() async throws {
      let stage = try Stage.current
      let store = "\(stage.directory)/store"
      var numbers = TestCardNumbers(first: TestCardNumbers.randomStart(), offset: 0, stride: 1)
      var cards: [String: String] = [:]
      var frames = 0
      for round in 0..<Self.rounds {
        try await write(&cards, &numbers, stage)
        try await stage.kill()
        let files = try storeFiles(stage)
        let reading = try OutsideReading(of: store, stage)
        #expect(reading.cards == cards, "round \(round)")
        frames += reading.frames
        #expect(try storeFiles(stage) == files, "a reader changes nothing")
        if reading.frames > 0 { try refuseWithoutJournal(stage, round) }
        let journal = "\(stage.directory)/journal-\(round)"
        try ChildProcess.run(["cp", "-p", "\(store)/cards.journal", journal])

        try await stage.start()
        try await compare(reading, stage, round)
      }
      // LMDB has everything only when nothing was asked for a while.
      #expect(frames > 0, "no kill has left a frame")
    }

    /// New cards, each a batch of its own; some are deleted.
    private func write(
      _ cards: inout [String: String], _ numbers: inout TestCardNumbers, _ stage: Stage
    ) async throws {
      let shop = try await stage.connect()
      for index in 0..<Self.cardsInRound {
        var digits = [UInt8](repeating: 0, count: TestCardNumbers.length)
        numbers.next(into: &digits)
        let number = String(decoding: digits, as: UTF8.self)
        let token = try #require(try await shop.ask(.tokenize(number))["token"])
        cards[token] = number
        if index % 5 == 4, let old = cards.keys.min() {
          #expect(try await shop.ask(.delete(old)).status == 204)
          cards[old] = nil
        }
      }
    }

    private func storeFiles(_ stage: Stage) throws -> [[UInt8]] {
      try ["cards.mdb", "cards.journal"].map { try fileBytes(of: "\(stage.directory)/store/\($0)") }
    }

    /// The store without its journal, and with that of the round before.
    private func refuseWithoutJournal(_ stage: Stage, _ round: Int) throws {
      let copy = "\(stage.directory)/copy-\(round)"
      try Account.copy(contentsOf: "\(stage.directory)/store", into: copy)
      try ChildProcess.run(["rm", "\(copy)/cards.journal"])
      expectRefusal("refused: the journal is missing, and acknowledged operations with it") {
        _ = try OutsideReading(of: copy, stage)
      }
      guard round > 0 else { return }
      try ChildProcess.run([
        "cp", "\(stage.directory)/journal-\(round - 1)", "\(copy)/cards.journal",
      ])
      expectRefusal("refused: the journal is another one") {
        _ = try OutsideReading(of: copy, stage)
      }
    }

    /// What was read, and what the vault serves now.
    private func compare(_ reading: OutsideReading, _ stage: Stage, _ round: Int) async throws {
      let acquirer = try await stage.connect("acquirer")
      for (token, number) in reading.cards {
        #expect(try await acquirer.ask(.pull(token))["number"] == number, "round \(round)")
      }
      await acquirer.close()
      let export = "\(stage.directory)/export-\(round)"
      _ = try stage.cadenas("audit", "export", "--to", export)
      let log = try DevelopmentFiles.readText("\(export)/entries.jsonl")
      #expect(log.hasPrefix(reading.log) && !reading.log.isEmpty, "round \(round)")
      _ = try stage.cadenas("audit", "verify")
      _ = try stage.cadenas("store", "verify")
    }
  }
}

/// Runs `body`, in which a command has to end with an error that says `text`.
func expectRefusal(
  _ text: String, sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> Void
) {
  do {
    try body()
    Issue.record("not refused: \(text)", sourceLocation: sourceLocation)
  } catch DevelopmentError.toolFailed(_, _, let output) {
    #expect(output.contains(text), sourceLocation: sourceLocation)
  } catch { Issue.record(error, sourceLocation: sourceLocation) }
}

/// What the independent reader makes of a store.
struct OutsideReading {
  /// Batches that LMDB did not have.
  let frames: Int
  /// The number behind each token.
  let cards: [String: String]
  /// The entries of the audit log, a line each.
  let log: String

  /// Reads the store in `directory` with the key file of the installation.
  init(of directory: String, _ stage: Stage) throws {
    let log = "\(stage.directory)/outside.log"
    let reader = try OutsideProgram.command("read_vault.py")
    let command = "\(reader) '\(directory)' --kek '\(stage.directory)'/keys/*.kek --log '\(log)'"
    let text = try ChildProcess.run(["sh", "-c", command])
    let found = try #require(text.firstMatch(of: /"frames": (\d+)/))
    frames = try #require(Int(found.1))
    let card = /"token": "(tok_\w+)", "merchant": \d+, "key": "\w+", "number": "(\d+)"/
    cards = Dictionary(
      uniqueKeysWithValues: text.matches(of: card).map { (String($0.1), String($0.2)) })
    self.log = try DevelopmentFiles.readText(log)
  }
}
