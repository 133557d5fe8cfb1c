import Glibc
import TestNetwork
import Testing

@testable import cadenas_dev

extension EndToEnd {
  /// What the programs of earlier commits wrote, in the hands of today's, whose clock stands at the day
  /// on which it was written: idempotency keys live for a day. How a golden installation was
  /// made, and what is in it, is told by `Golden/make.py`.
  @Suite struct GoldenTests {
    private static let folder =
      #filePath.split(separator: "/").dropLast().map { "/\($0)" }.joined() + "/Golden"

    /// Starts the programs over a golden installation, a minute after it was made.
    ///
    /// - Parameter before: what is looked at before the service starts.
    private static func withStage(
      of name: String, before: (GoldenManifest, Stage) throws -> Void = { _, _ in },
      _ body: (GoldenManifest, Stage) async throws -> Void
    ) async throws {
      let golden = "\(folder)/\(name)"
      let manifest = try GoldenManifest(try DevelopmentFiles.readText("\(golden)/manifest"))
      let clock = try MovedClock()
      try clock.set(aheadSeconds: manifest.madeSeconds + 60 - time(nil))
      try await Stage.withStage(
        of: clock.programs,
        filling: { stage in
          try Account.copy(contentsOf: golden, into: stage.directory)
          let user = try Account.name
          try stage.configure { $0.replacing("[USER]", with: "[\(user)]") }
          try before(manifest, stage)
        }, { try await body(manifest, $0) })
    }

    @Test("opens, verifies, pulls, replays, deletes and restores", arguments: ["e49ef30"])
    func installation(of commit: String) async throws {
      try await Self.withStage(
        of: commit,
        { manifest, stage in
          try verify(stage)
          #expect(manifest.cards.count == 7)
          try await replay(manifest, stage)
          try await read(manifest, stage)
          try await delete(manifest, stage)
          try verify(stage)
          try await restore(manifest, stage)
        })
    }

    /// A vault of then was killed with frames in its journal: its files say all together, and none alone.
    @Test func aKilledStoreOpensWithItsJournal() async throws {
      try await Self.withStage(
        of: "killed",
        before: { manifest, stage in
          let reading = try OutsideReading(of: "\(stage.directory)/store", stage)
          #expect(reading.frames > 0)
          #expect(Set(reading.cards.keys) == Set(manifest.cards.map(\.token)))
          try refuseItsFileAlone(stage)
          // Whoever only reads leaves it as it is.
          _ = try stage.cadenas("store", "verify")
          #expect(try OutsideReading(of: "\(stage.directory)/store", stage).frames > 0)
        },
        { manifest, stage in
          #expect(manifest.cards.count == 6 && manifest.deleted.count == 1)
          try await read(manifest, stage)
          _ = try stage.cadenas("store", "verify")
          _ = try stage.cadenas("audit", "verify")
        })
    }

    private func refuseItsFileAlone(_ stage: Stage) throws {
      let alone = "\(stage.directory)/alone.mdb"
      try ChildProcess.run(["cp", "-p", "\(stage.directory)/store/cards.mdb", alone])
      try stage.configure { $0.replacing("path: store", with: "path: restored") }
      expectRefusal("\(alone) is the file of a store that runs or was killed") {
        _ = try stage.cadenas("store", "restore", "--from", alone)
      }
      try stage.configure { $0.replacing("path: restored", with: "path: store") }
      let journal = "\(stage.directory)/store/cards.journal"
      try ChildProcess.run(["mv", journal, alone])
      expectRefusal("\(journal) is missing") { _ = try stage.cadenas("store", "verify") }
      try ChildProcess.run(["mv", alone, journal])
    }

    /// Store and log, and what was given out of the log: by the key that was noted at the beginning.
    private func verify(_ stage: Stage) throws {
      _ = try stage.cadenas("store", "verify")
      _ = try stage.cadenas("audit", "verify")
      for export in ["export", "archive"] {
        try ChildProcess.run(
          stage.programs.vaultCommand([
            "audit", "verify", "--export", "\(stage.directory)/\(export)",
            "--public-key", "\(stage.directory)/public-key",
          ]))
      }
    }

    /// Each kept request is answered as it was, and none is sent again.
    private func replay(_ manifest: GoldenManifest, _ stage: Stage) async throws {
      #expect(manifest.kept.count == 9)
      for (request, answer) in manifest.kept {
        let again = try await stage.ask(request)
        #expect("\(again.status) \(again.body)" == answer, "\(request.path)")
      }
      #expect(try await stage.received().count == 0)
    }

    private func read(_ manifest: GoldenManifest, _ stage: Stage) async throws {
      for card in manifest.cards {
        let known = try await stage.ask(.tokenize(card.number), as: card.merchant)
        #expect(known.status == 200 && known["token"] == card.token, "\(known.body)")
        // The acquirer works with this merchant alone.
        let pulled = try await stage.ask(.pull(card.token), as: "acquirer")
        #expect(pulled["number"] == (card.merchant == "shop" ? card.number : nil))
      }
      for token in manifest.deleted {
        expect(try await stage.ask(.pull(token), as: "acquirer"), 404, "token-not-found")
      }
      let baits = try stage.cadenas("honeytoken", "list")
      for bait in manifest.honeytokens { #expect(baits.contains(bait)) }
    }

    private func delete(_ manifest: GoldenManifest, _ stage: Stage) async throws {
      let card = try #require(manifest.cards.first)
      #expect(try await stage.ask(.delete(card.token), as: card.merchant).status == 204)
      expect(try await stage.ask(.pull(card.token), as: "acquirer"), 404, "token-not-found")
    }

    /// The backup becomes a store, in which what was deleted just now is back.
    private func restore(_ manifest: GoldenManifest, _ stage: Stage) async throws {
      try await stage.stop()
      try ChildProcess.run(["mv", "\(stage.directory)/store", "\(stage.directory)/before"])
      _ = try stage.cadenas("store", "restore", "--from", "\(stage.directory)/backup.mdb")
      try await stage.start()
      for card in manifest.cards where card.merchant == "shop" {
        let pulled = try await stage.ask(.pull(card.token), as: "acquirer")
        #expect(pulled["number"] == card.number)
      }
      try verify(stage)
    }
  }
}

/// What was asked of a golden installation when it was made, and what was answered.
private struct GoldenManifest {
  var madeSeconds = 0
  var cards: [(merchant: String, token: String, number: String)] = []
  var deleted: [String] = []
  var honeytokens: [String] = []
  var kept: [(request: WireRequest, answer: String)] = []

  init(_ text: String) throws {
    var request: WireRequest?
    for line in text.split(separator: "\n") {
      let words = line.split(separator: " ", maxSplits: 4).map(String.init)
      switch (words[0], words.count) {
      case ("made:", 2): madeSeconds = Int(words[1]) ?? 0
      case ("card:", 4): cards.append((words[1], words[2], words[3]))
      case ("deleted:", 3): deleted.append(words[2])
      case ("honeytoken:", 3): honeytokens.append(words[2])
      case ("kept:", 5):
        request = WireRequest(
          method: words[1], path: words[2], headers: [("Idempotency-Key", words[3])],
          body: words[4])
      case ("answer:", _):
        guard let asked = request else { throw Stage.Failed("an answer to nothing: \(line)") }
        kept.append((asked, String(line.dropFirst("answer: ".count))))
        request = nil
      default: throw Stage.Failed("no line of a manifest: \(line)")
      }
    }
  }
}
