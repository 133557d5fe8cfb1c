import Glibc
import Synchronization
import TestNetwork
import TestSupport
import Testing

@testable import cadenas_dev

extension EndToEnd {
  /// `SIGHUP`: another configuration, another list of revoked certificates, while the vault serves.
  @Suite(.stage) struct ReloadTests {
    private static let manyOfShop =
      "quotas: {tokenize_per_minute: 60000000, detokenize_per_minute: 60000000}"

    @Test func aQuotaThatIsUsedUpIs429WithTheTimeToWait() async throws {
      let stage = try Stage.current
      let wire = try await stage.connect()
      let token = try await stage.token(of: TestCard.visa)
      let original = try DevelopmentFiles.readText(stage.configuration)
      try stage.configure {
        $0.replacing(
          Self.manyOfShop, with: "quotas: {tokenize_per_minute: 3, detokenize_per_minute: 2}",
          maxReplacements: 1)
      }
      try await stage.reload()
      var statuses: [Int] = []
      for _ in 0..<4 { statuses.append(try await wire.ask(.tokenize(TestCard.visa)).status) }
      #expect(statuses == [200, 200, 200, 429])
      let refused = try await wire.ask(.tokenize(TestCard.visa))
      expect(refused, 429, "quota-exceeded")
      #expect((1...60).contains(Int(refused.fields["retry-after"] ?? "") ?? 0))
      for amount in [1, 2] {
        expect(try await wire.ask(.push(token, amount: amount, key: "q\(amount)")), 200)
      }
      expect(try await wire.ask(.push(token, amount: 3, key: nil)), 429, "quota-exceeded")
      let other = try await stage.ask(.tokenize(TestCard.visa), as: "other-shop")
      #expect(other.status == 201, "another merchant's quota is its own")
      expect(try await wire.ask(.delete("tok_x")), 404, "token-not-found")
      try DevelopmentFiles.write(Array(original.utf8), to: stage.configuration)
      try await stage.reload()
    }

    @Test func aBrokenConfigurationIsSaidAndTheOldOneStaysInForce() async throws {
      let stage = try Stage.current
      let wire = try await stage.connect()
      let original = try DevelopmentFiles.readText(stage.configuration)
      let complaint = "configuration not reloaded; the one before stays in force"
      for (good, bad) in [
        ("operations: [tokenize, detokenize, delete]", "operations: [tokenise]"),
        ("client_crl: pki/ca.crl", "client_crl: pki/missing.crl"),
        ("template: acquirers/simulator.yaml", "template: acquirers/missing.yaml"),
        ("merchants:", "merchants: ["),
      ] {
        try stage.configure { $0.replacing(good, with: bad) }
        try await stage.reload(saying: complaint)
        #expect(try await wire.ask(.tokenize(TestCard.visa)).status < 300)
        try DevelopmentFiles.write(Array(original.utf8), to: stage.configuration)
      }
      try await stage.reload()
      #expect(try await wire.ask(.tokenize(TestCard.visa)).status == 200)
    }

    @Test func anOperationThatIsTakenAwayIsForbiddenOnConnectionsThatAreOpen() async throws {
      let stage = try Stage.current
      let token = try await stage.token(of: TestCard.visa)
      let wire = try await stage.connect()
      let original = try DevelopmentFiles.readText(stage.configuration)
      try stage.configure { $0.replacing("[tokenize, detokenize, delete]", with: "[tokenize]") }
      try await stage.reload()
      #expect(try await wire.ask(.tokenize(TestCard.visa)).status == 200)
      expect(try await wire.ask(.delete(token)), 403, "operation-not-permitted")
      expect(try await wire.ask(.delete("tok_x")), 403, "operation-not-permitted")
      expect(try await wire.ask(.push(token, amount: 1, key: nil)), 403, "operation-not-permitted")
      try DevelopmentFiles.write(Array(original.utf8), to: stage.configuration)
      try await stage.reload()
      expect(try await wire.ask(.delete(token)), 204)
    }

    @Test func aReloadUnderLoadDropsNothing() async throws {
      let stage = try Stage.current
      let load = RunningLoad()
      let start = TestCardNumbers.randomStart()
      try await withThrowingTaskGroup(of: Int.self) { group in
        for client in 0..<8 {
          group.addTask {
            let wire = try await stage.connect()
            var numbers = TestCardNumbers(first: start, offset: client, stride: 8)
            var digits = [UInt8](repeating: 0, count: TestCardNumbers.length)
            var count = 0
            while !load.isOver.load(ordering: .relaxed) {
              numbers.next(into: &digits)
              expect(try await wire.ask(.tokenize(String(decoding: digits, as: UTF8.self))), 201)
              count += 1
            }
            await wire.close()
            return count
          }
        }
        for _ in 0..<5 { try await stage.reload() }
        load.isOver.store(true, ordering: .relaxed)
        for try await count in group { #expect(count > 0) }
      }
    }

    @Test func aBrandTableIsReplacedUnderLoadAndAFaultyOneIsNot() async throws {
      let stage = try Stage.current
      let file = "\(stage.directory)/brands.yaml"
      func write(_ lines: String) throws {
        try Account.write(Array("ranges:\n\(lines)".utf8), to: file)
      }
      let plain = "  - {prefixes: [4], lengths: [13, 16, 19], brand: visa}\n"
      let badged = plain + "  - {prefixes: [4111], lengths: [16], brand: visa, co_brands: [cb]}\n"
      let original = try DevelopmentFiles.readText(stage.configuration)
      try write(plain)
      try stage.configure { "brands: brands.yaml\n" + $0 }
      try await stage.reload()
      let watcher = try await stage.connect()
      func brands() async throws -> String {
        let answer = try await watcher.ask(.tokenize(TestCard.visa))
        #expect(answer.status < 300)
        return answer.body.contains(#""brands":["visa","cb"]"#) ? "visa, cb" : "visa"
      }
      let load = RunningLoad()
      try await withThrowingTaskGroup(of: Int.self) { group in
        for _ in 0..<8 {
          group.addTask {
            let wire = try await stage.connect()
            var count = 0
            while !load.isOver.load(ordering: .relaxed) {
              let answer = try await wire.ask(.tokenize(TestCard.visa))
              #expect(answer.status < 300, "\(answer)")
              count += 1
            }
            await wire.close()
            return count
          }
        }
        for _ in 0..<3 {
          try write(badged)
          try await stage.reload()
          #expect(try await brands() == "visa, cb")
          try write("  - {prefixes: [4], lengths: [16], brand: visa, excluded: yes}\n")
          try await stage.reload(
            saying: "configuration not reloaded; the one before stays in force")
          #expect(try await brands() == "visa, cb")
          try write(plain)
          try await stage.reload()
          #expect(try await brands() == "visa")
        }
        load.isOver.store(true, ordering: .relaxed)
        for try await count in group { #expect(count > 0) }
      }
      try write(badged)
      try DevelopmentFiles.write(Array(original.utf8), to: stage.configuration)
      try await stage.reload()
      #expect(try await watcher.ask(.tokenize(TestCard.mastercard)).status < 300)
    }

    /// The limit counts from the next start, and with ten guesses an hour eight digits show too much.
    @Test func eightDigitsAreNotShownUnderALimitThatIsNotInForceYet() async throws {
      let stage = try Stage.current
      let original = try DevelopmentFiles.readText(stage.configuration)
      let wire = try await stage.connect()
      func bin() async throws -> String? {
        try await wire.ask(.tokenize("4242424242424242"))["bin"]
      }
      try stage.configure {
        $0.replacing("deduplicate: true", with: "deduplicate: true\n    bin_digits: 8")
          .replacing("limits: {", with: "limits: {same_digits_per_hour: 1, ")
      }
      try await stage.reload(saying: "configuration not reloaded; the one before stays in force")
      try await stage.logLine(with: "merchants.shop.bin_digits", "restart the service instead")
      #expect(try await bin() == "424242")
      try await stage.stop()
      try await stage.start()
      // A number of its own: one with the digits of an earlier test's would have to wait.
      let number = Luhn.completing("5100" + "00123456123")
      #expect(try await stage.ask(.tokenize(number))["bin"] == "51000012")
      try DevelopmentFiles.write(Array(original.utf8), to: stage.configuration)
      try await stage.stop()
      try await stage.start()
    }

    @Test func withoutDeduplicationEveryCardIsANewOne() async throws {
      let stage = try Stage.current
      let original = try DevelopmentFiles.readText(stage.configuration)
      try stage.configure { $0.replacing("deduplicate: true", with: "deduplicate: false") }
      try await stage.reload()
      let wire = try await stage.connect()
      let first = try await wire.ask(.tokenize("5970100300000018"))
      let second = try await wire.ask(.tokenize("5970100300000018"))
      expect(first, 201)
      expect(second, 201)
      #expect(first["token"] != second["token"])
      try DevelopmentFiles.write(Array(original.utf8), to: stage.configuration)
      try await stage.reload()
      let newest = try await wire.ask(.tokenize("5970100300000018"))
      expect(newest, 201)
      #expect(![first["token"], second["token"]].contains(newest["token"]), "those stay apart")
      #expect(try await wire.ask(.tokenize("5970100300000018"))["token"] == newest["token"])
    }

    @Test func anAcquirerThatNobodyReachesIs502AndFreesTheKey() async throws {
      let stage = try Stage.current
      let token = try await stage.token(of: TestCard.visa)
      let original = try DevelopmentFiles.readText(stage.configuration)
      let port = try LoopbackPort.choose(1)[0]
      try stage.configure {
        $0.replacing(#/url: https:\/\/127\.0\.0\.1:\d+/#, with: "url: https://127.0.0.1:\(port)")
      }
      try await stage.reload()
      let answer = try await stage.ask(.push(token, amount: 7, key: "unreachable"))
      expect(answer, 502, "acquirer-unreachable")
      #expect(answer["payment_id"]?.hasPrefix("pay_") == true)
      try DevelopmentFiles.write(Array(original.utf8), to: stage.configuration)
      try await stage.reload()
      expect(try await stage.ask(.push(token, amount: 7, key: "unreachable")), 200)
    }

    @Test func anAcquirerOfAnotherNameIsSentNothing() async throws {
      let stage = try Stage.current
      let token = try await stage.token(of: TestCard.visa)
      let original = try DevelopmentFiles.readText(stage.configuration)
      let before = try await stage.received().count
      for (good, bad) in [
        ("server_name: localhost", "server_name: elsewhere.example"),
        ("ca: pki/acquirer-ca.pem", "ca: pki/ca.pem"),
      ] {
        try stage.configure { $0.replacing("        \(good)", with: "        \(bad)") }
        #expect(try DevelopmentFiles.readText(stage.configuration) != original)
        try await stage.reload()
        let answer = try await stage.ask(.push(token, amount: 8, key: "pinned"))
        expect(answer, 502, "acquirer-unreachable")
        try DevelopmentFiles.write(Array(original.utf8), to: stage.configuration)
      }
      try await stage.reload()
      #expect(try await stage.received().count == before)
    }

    /// The last one: nobody is `shop` afterwards.
    @Test func aCertificateThatIsRevokedLosesItsOpenConnections() async throws {
      let stage = try Stage.current
      let idle = try await stage.connect()
      let busy = try await stage.connect()
      let other = try await stage.connect("other-shop")
      for wire in [idle, busy, other] {
        #expect(try await wire.ask(.tokenize(TestCard.visa)).status < 300)
      }
      let authorize = ["openssl", "ca", "-config", DevelopmentPKI.recipeName, "-name", "ca"]
      let folder = "\(stage.directory)/pki"
      try ChildProcess.run(authorize + ["-revoke", "shop.pem"], directory: folder)
      try ChildProcess.run(authorize + ["-gencrl", "-out", "ca.crl"], directory: folder)
      try await stage.reload()
      #expect(try await idle.untilClosed() == "", "between requests it is closed")
      try? await busy.send(WireRequest.tokenize(TestCard.visa).text)
      #expect(try await busy.untilClosed() == "")
      #expect(try await other.ask(.tokenize(TestCard.visa)).status == 200, "another one stays")
      do {
        let late = try await stage.connect()
        try await late.send(WireRequest.tokenize(TestCard.visa).text)
        #expect(try await late.untilClosed() == "")
      } catch is Wire.Failed {
        Issue.record("a revoked client is still served")
      } catch {
        // Refused before the request could be sent: as good.
      }
    }
  }
}

/// Says when the clients of a load may end.
private final class RunningLoad: Sendable {
  let isOver = Atomic(false)
}
