import Synchronization
import TestNetwork
import Testing

@testable import cadenas_dev

extension EndToEnd {
  /// A store on a disk of its own, which others fill to the last byte. Needs to be root: it mounts it.
  @Suite struct FullDiskTests {
    private static let cards = 3_000

    /// A card that is stored.
    private struct Known: Sendable {
      let number: String
      let token: String
    }

    /// An installation whose store lies on a disk of 12 MiB. Its second merchant does not deduplicate.
    private final class SmallDisk: Sendable {
      let stage: Stage
      let path: String

      init(of stage: Stage) throws {
        self.stage = stage
        path = "\(stage.directory)/store"
        try DevelopmentFiles.makeDirectory(path)
        try ChildProcess.run(["mount", "-t", "tmpfs", "-o", "size=12m,mode=0700", "tmpfs", path])
        try ChildProcess.run(["chown", "\(try Account.name):\(try Account.group)", path])
        var text = String(decoding: PackageResources.development_yaml, as: UTF8.self)
          .replacing("USER", with: try Account.name).replacing("16GiB", with: "16MiB")
        if let last = text.ranges(of: "deduplicate: true").last {
          text.replaceSubrange(last, with: "deduplicate: false")
        }
        try Account.write(Array(text.utf8), to: stage.configuration)
      }

      deinit {
        _ = try? ChildProcess.run(["umount", "--lazy", path])
        _ = try? ChildProcess.run(["rm", "-rf", stage.directory])
      }

      /// Takes all that is left, as another program would.
      func fill() throws {
        try ChildProcess.run(["sh", "-c", "cat /dev/zero > \(path)/other 2> /dev/null || true"])
      }

      /// Gives it back.
      func empty() throws { try ChildProcess.run(["rm", "\(path)/other"]) }
    }

    private func withSmallDisk(_ body: (SmallDisk) async throws -> Void) async throws {
      let disk = Mutex<SmallDisk?>(nil)
      try await Stage.withStage(
        of: Account.programs,
        filling: { stage in
          let made = try SmallDisk(of: stage)
          disk.withLock { $0 = made }
        }
      ) { _ in
        guard let disk = disk.withLock({ $0 }) else { throw Stage.Failed("there is no disk") }
        try await body(disk)
      }
    }

    /// Stores cards with several clients.
    private func store(_ stage: Stage) async throws -> [Known] {
      let clients = 16
      let start = TestCardNumbers.randomStart()
      return try await withThrowingTaskGroup(of: [Known].self) { group in
        for client in 0..<clients {
          group.addTask {
            let wire = try await stage.connect()
            var numbers = TestCardNumbers(first: start, offset: client, stride: clients)
            var digits = [UInt8](repeating: 0, count: TestCardNumbers.length)
            var known: [Known] = []
            while known.count < Self.cards / clients {
              numbers.next(into: &digits)
              let number = String(decoding: digits, as: UTF8.self)
              let answer = try await wire.ask(.tokenize(number))
              guard let token = answer["token"] else { throw Stage.Failed(answer.body) }
              known.append(Known(number: number, token: token))
            }
            return known
          }
        }
        return try await group.reduce(into: []) { $0 += $1 }
      }
    }

    /// What has to go on while the index has no room, and what cannot.
    private func expectAllButTokenize(_ stage: Stage, _ known: [Known], key: String) async throws {
      let wire = try await stage.connect()
      expect(try await wire.ask(.tokenize(known[0].number)), 507, "store-full")
      expect(try await wire.ask(.tokenize(TestCard.mastercard)), 507, "store-full")
      expect(try await wire.ask(.push(known[1].token, amount: 1, key: key)), 200)
      let pulled = try await stage.ask(.pull(known[2].token), as: "acquirer")
      #expect(pulled["number"] == known[2].number)
      expect(try await wire.ask(.delete(known[3].token)), 204)
      expect(try await wire.ask(.delete(known[3].token)), 404, "token-not-found")
      expect(try await stage.ask(.tokenize(TestCard.mastercard), as: "other-shop"), 201)
      let status = try stage.cadenas("status", "--format", "json")
      #expect(status.contains(#""accepts_new_cards":false"#))
      #expect(status.contains(#""lacks_room":[{"file":"index.mdb","limit":null,"bytes":"#))
      let told = try stage.cadenas("status")
      #expect(told.contains("index.mdb lacks") && told.contains("every tokenize with a number"))
      #expect(try stage.cadenas("metrics").contains("\ncadenas_store_full 1\n"))
      try await eventually("the log says which file") {
        stage.logs().contains("index_lacks_bytes")
      }
    }

    /// Room has come back: it goes on without a restart.
    private func expectRecovery(_ stage: Stage, _ known: [Known]) async throws {
      let wire = try await stage.connect()
      try await eventually("the index has caught up") {
        try await wire.ask(.tokenize(known[0].number)).status == 200
      }
      for card in known.suffix(50) {
        #expect(try await wire.ask(.tokenize(card.number))["token"] == card.token)
      }
      let answer = try await wire.ask(.tokenize(known[3].number))
      expect(answer, 201)
      expect(try await wire.ask(.delete(try #require(answer["token"]))), 204)
      try await eventually("the status says so") {
        try stage.cadenas("status", "--format", "json").contains(#""lacks_room":[]"#)
      }
    }

    @Test func aVaultKilledOnAFullDiskStartsAndGoesOnWhenThereIsRoom() async throws {
      try await withSmallDisk { disk in
        let stage = disk.stage
        let known = try await store(stage)
        // An index that was never written.
        try disk.fill()
        try await stage.kill()
        try await stage.start()
        try await expectAllButTokenize(stage, known, key: "fresh")
        try disk.empty()
        try await expectRecovery(stage, known)
        // One that is lost.
        try await stage.stop()
        try ChildProcess.run(["sh", "-c", "rm \(disk.path)/index.mdb*; : > \(disk.path)/lock"])
        try disk.fill()
        try await stage.start()
        try await expectAllButTokenize(stage, known.dropLast(100).suffix(100), key: "lost")
        try disk.empty()
        try await expectRecovery(stage, known.dropLast(100).suffix(100))
        _ = try stage.cadenas("audit", "verify")
        try await stage.stop()
        try await expectEvidence(disk)
      }
    }

    /// The store can be looked at where its disk can only be read.
    private func expectEvidence(_ disk: SmallDisk) async throws {
      try ChildProcess.run(["mount", "-o", "remount,ro", disk.path])
      let before = try DevelopmentFiles.names(in: disk.path)
      #expect(try disk.stage.cadenas("store", "verify").hasPrefix("intact"))
      #expect(try disk.stage.cadenas("audit", "verify").hasPrefix("intact"))
      #expect(try disk.stage.cadenas("keys", "status").contains("fingerprint"))
      let failure = #expect(throws: DevelopmentError.self) {
        try disk.stage.cadenas("store", "compact")
      }
      #expect("\(try #require(failure))".contains("its disk is mounted read-only"))
      // The service cannot run on it, and `check` says so before somebody tries.
      let check = #expect(throws: DevelopmentError.self) {
        try disk.stage.cadenas("check", "--format", "json")
      }
      #expect(
        "\(try #require(check))".contains("is mounted read-only: the service cannot run on it"))
      let start = await #expect(throws: DevelopmentError.self) { try await disk.stage.start() }
      #expect("\(try #require(start))".contains("status 3 before it answered"))
      #expect(disk.stage.logs().contains("its disk is mounted read-only"))
      #expect(try DevelopmentFiles.names(in: disk.path) == before)
    }
  }

  /// A store whose file is taken away under the service.
  @Suite struct MovedStoreTests {
    @Test(arguments: ["rm STORE/cards.mdb", "mv STORE/cards.mdb STORE/kept", "rm -r STORE"])
    func aStoreThatIsTakenAwayEndsTheServiceWhichNamesTheRemedy(command: String) async throws {
      try await Stage.withStage { stage in
        let token = try await stage.token(of: TestCard.visa)
        _ = try await stage.token(of: TestCard.mastercard)
        let command = command.replacing("STORE", with: "\(stage.directory)/store")
        try ChildProcess.run(["sh", "-c", command])
        try await eventually("nothing is acknowledged any more") {
          (try? await stage.ask(.tokenize(TestCard.visa)))?.status != 200
        }
        #expect(try await stage.stop() != .exited(0))
        let log = stage.logs()
        #expect(log.contains("was deleted, renamed or replaced while the store was open"))
        #expect(log.contains("cadenas store restore"))
        #expect(log.contains("stopped, since nothing could be written"))
        for words in [["serve"], ["check"], ["store", "verify"]] {
          let failure = #expect(throws: DevelopmentError.self) { try stage.cadenas(words) }
          let told = "\(try #require(failure))"
          let restore = try #require(told.ranges(of: "cadenas store restore").first, "\(told)")
          let start = try #require(told.ranges(of: "cadenas init").first)
          #expect(restore.lowerBound < start.lowerBound)
        }
        guard command.hasPrefix("mv") else { return }
        try ChildProcess.run(["sh", "-c", "cd \(stage.directory)/store && mv kept cards.mdb"])
        try await stage.start()
        let pulled = try await stage.ask(.pull(token), as: "acquirer")
        #expect(pulled["number"] == TestCard.visa)
      }
    }

    @Test func anIndexThatIsTakenAwayIsBuiltAnew() async throws {
      try await Stage.withStage { stage in
        let token = try await stage.token(of: TestCard.visa)
        let index = "\(stage.directory)/store/index.mdb"
        try ChildProcess.run(["rm", index])
        try await eventually("there is an index again") { DevelopmentFiles.exists(index) }
        try await eventually("it knows the card") {
          try await stage.ask(.tokenize(TestCard.visa)).status == 200
        }
        #expect(try await stage.token(of: TestCard.visa) == token)
        try await stage.kill()
        try await stage.start()
        #expect(try await stage.token(of: TestCard.visa) == token)
      }
    }
  }
}
