import ConfigurationReading
import Testing

@testable import VaultManagement
@testable import cadenas
@testable import cadenas_dev

/// What a configuration puts in force, as lines, and what a reload or start with another one leaves in
/// the log.
@Suite struct RuleLineTests {
  /// The lines of what is there now; sections that take effect at a start are those of `start`.
  private func lines(
    _ house: DevelopmentHouse, startedWith start: ServiceConfiguration? = nil
  ) throws -> Set<String> {
    let configuration = try house.configuration()
    let rules = RuleLines.inForce(
      configuration, try house.parts(), startedWith: start ?? configuration)
    return Set(rules.rules.map(\.text))
  }

  @Test func `every setting that somebody could gain by is a line`() throws {
    try withScratchDirectory { directory in
      let house = try DevelopmentHouse(directory)
      let before = try lines(house)
      #expect(before == (try lines(house)), "it is a function of what was read")
      for (old, new, gone, come) in [
        (
          "operators: [ann]", "operators: [ann, irc]", [String](), ["role operator user:irc"]
        ),
        (
          "auditors: [ann]", "auditors: [\"@audit\"]", ["role auditor user:ann"],
          ["role auditor group:audit"]
        ),
        (
          "  auditors: [ann]", "  auditors: [ann]\n  approvals: {destroy: 2}", [],
          ["approvals destroy 2"]
        ),
        (
          "clients: [\"spiffe://credit-du-nord.example/authorization\"]",
          "clients: [\"spiffe://credit-du-nord.example/authorization\", \"spiffe://foreign.example/a\"]",
          [], ["acquirer-client credit-du-nord spiffe://foreign.example/a"]
        ),
        (
          "clients: [\"spiffe://shop.example/checkout\"]",
          "clients: [{id: \"spiffe://shop.example/checkout\", operations: [delete], "
            + "quotas: {delete_per_minute: 3}}]",
          ["client shop spiffe://shop.example/checkout"],
          ["client shop spiffe://shop.example/checkout operations=delete delete_per_minute=3"]
        ),
        (
          "url: https://127.0.0.1:8444", "url: https://127.0.0.1:8445/x",
          ["address credit-du-nord server_name=localhost url=https://127.0.0.1:8444"],
          ["address credit-du-nord server_name=localhost url=https://127.0.0.1:8445/x"]
        ),
        (
          "currencies: [EUR, USD, GBP, CHF]", "currencies: [EUR]",
          ["acquirer credit-du-nord pull=true push=true currencies=CHF,EUR,GBP,USD"],
          ["acquirer credit-du-nord pull=true push=true currencies=EUR"]
        ),
        (
          "quotas: {detokenize_per_minute: 60000000}", "quotas: {detokenize_per_minute: 7}",
          ["acquirer-quota credit-du-nord detokenize_per_minute=60000000"],
          ["acquirer-quota credit-du-nord detokenize_per_minute=7"]
        ),
        ("development: true", "development: false", ["development true"], ["development false"]),
        (
          "merchants:\n", "limits: {same_digits_per_hour: 11}\nmerchants:\n",
          ["limit same_digits_per_hour 10"], ["limit same_digits_per_hour 11"]
        ),
        (
          "merchants:\n", "audit: {checkpoint_file: elsewhere}\nmerchants:\n",
          ["audit checkpoint_file none"], ["audit checkpoint_file \(directory)/elsewhere"]
        ),
      ] {
        #expect(DevelopmentHouse.fresh.contains(old))
        try house.write(DevelopmentHouse.fresh.replacing(old, with: new, maxReplacements: 1))
        let after = try lines(house)
        #expect(before.subtracting(after) == Set(gone), "\(new)")
        #expect(after.subtracting(before) == Set(come), "\(new)")
      }
    }
  }

  @Test func `a constant is told apart and never told`() throws {
    try withScratchDirectory { directory in
      let house = try DevelopmentHouse(directory)
      let before = try lines(house)
      try house.write(DevelopmentHouse.fresh.replacing("\"12345678\"", with: "\"s3cr3t-constant\""))
      let after = try lines(house)
      let (gone, come) = (before.subtracting(after), after.subtracting(before))
      let start = "merchant-acquirer shop credit-du-nord authorization=none constants="
      #expect(gone.count == 1 && come.count == 1)
      #expect((gone.union(come)).allSatisfy { $0.hasPrefix(start) })
      #expect(!come.contains { $0.contains("s3cr3t") })
    }
  }

  @Test func `what files hold counts, wherever they lie`() throws {
    try withScratchDirectory { directory in
      let house = try DevelopmentHouse(directory)
      let before = try lines(house)
      try DevelopmentFiles.write(
        PackageResources.simulator_yaml + Array("\n".utf8), to: house.template)
      var after = try lines(house)
      #expect(after.subtracting(before).count == 1)
      #expect(
        after.subtracting(before).allSatisfy { $0.hasPrefix("template credit-du-nord sha256=") })
      try DevelopmentFiles.write(PackageResources.simulator_yaml, to: house.template)
      // Another authority under the same name, and the two side by side.
      let authority = try DevelopmentFiles.readText("\(directory)/pki/acquirer-ca.pem")
      let shops = try DevelopmentFiles.readText("\(directory)/pki/ca.pem")
      try DevelopmentFiles.write(Array((shops + authority).utf8), to: "\(directory)/pki/ca.pem")
      after = try lines(house)
      #expect(before.subtracting(after).isEmpty)
      #expect(
        Set(after.subtracting(before).map { $0.split(separator: " sha256=")[0] }) == [
          "authority merchant shop", "authority merchant other-shop",
        ])
    }
  }

  @Test func `a reload changes nothing of what takes effect at a start`() throws {
    try withScratchDirectory { directory in
      let house = try DevelopmentHouse(directory)
      let before = try lines(house)
      let start = try house.configuration()
      try house.write(
        DevelopmentHouse.fresh.replacing("development: true", with: "development: false")
          .replacing("map_size: 16GiB", with: "map_size: 1GiB")
          .replacing("source: file", with: "source: credential").replacing(
            "  path: keys\n", with: ""
          )
          .replacing("operators: [ann]", with: "operators: [irc]")
          + "limits: {batch: 3}\naudit: {checkpoint_seconds: 3}\n")
      let after = try lines(house, startedWith: start)
      #expect(before.subtracting(after) == ["role operator user:ann"])
      #expect(after.subtracting(before) == ["role operator user:irc"])
      #expect(try lines(house).subtracting(before).count == 6)
    }
  }
}

extension EndToEnd {
  /// What of it the log of a running vault has.
  @Suite(.stage) struct ConfigurationEntryTests {
    private static func told() throws -> [DocumentView] {
      try ["configuration", "configuration.rule"].flatMap { operation in
        try Stage.current.cadenas("audit", "show", "--operation", operation, "--format", "json")
          .split(separator: "\n").map { try DocumentView(Array($0.utf8)) }
      }.sorted { ($0["seq"]?.integer ?? 0) < ($1["seq"]?.integer ?? 0) }
    }

    @Test func `reloads and starts tell what they change, before it is in force`() async throws {
      let stage = try Stage.current
      let original = try DevelopmentFiles.readText(stage.configuration)
      #expect(try Self.told().map { $0.text("outcome") } == ["begun"])
      try await stage.reload()
      #expect(try Self.told().count == 1, "nothing has changed")
      try stage.configure {
        $0.replacing("operators: [", with: "operators: [irc, ")
          .replacing(
            "authorization\"]", with: "authorization\", \"spiffe://foreign.example/a\"]")
      }
      try await stage.reload()
      var told = try Self.told().dropFirst()
      let file = try ChildProcess.run(["sha256sum", stage.configuration]).prefix(64)
      #expect(told.first?.text("reason").hasPrefix("sha256=\(file) was=") == true)
      #expect(
        told.dropFirst().map { "\($0.text("outcome")) \($0.text("reason"))" } == [
          "added acquirer-client credit-du-nord spiffe://foreign.example/a",
          "added role operator user:irc",
        ])
      #expect(told.dropFirst().first?.text("acquirer") == "credit-du-nord")
      // Between the intent and its end, and so before it is in force.
      let done = try stage.cadenas("audit", "show", "--operation", "reload", "--format", "json")
        .split(separator: "\n").map { try DocumentView(Array($0.utf8))["seq"]?.integer ?? 0 }
      let last = try #require(told.last?["seq"]?.integer)
      #expect(done.suffix(2).first.map { $0 < last - 2 } == true)
      #expect(done.last.map { $0 == last + 1 } == true)

      // A restart tells of what takes effect at a start, and is its first entry.
      try stage.configure { $0 + "audit: {keep_at_hand: 100d}\n" }
      let known = try Self.told().count
      try await stage.stop()
      try await stage.start()
      told = try Self.told().dropFirst(known)
      #expect(told.first?.text("outcome") == "changed")
      // Ports are new at each start of a stage.
      let kept = told.filter { $0.text("reason").hasPrefix("audit ") }
      #expect(
        kept.map { "\($0.text("outcome")) \($0.text("reason"))" } == [
          "removed audit keep_at_hand 7948800s", "added audit keep_at_hand 8640000s",
        ])
      #expect(told.filter { $0.text("reason").contains("role") }.isEmpty)

      // One that is refused changes nothing.
      let before = try Self.told().count
      try stage.configure {
        $0.replacing("operators: [irc, ", with: "operators: [irc, games, ") + "x: 1\n"
      }
      try await stage.reload(saying: "configuration not reloaded; the one before stays in force")
      #expect(try Self.told().count == before)
      try DevelopmentFiles.write(Array(original.utf8), to: stage.configuration)
      try await stage.reload()
      #expect(try stage.cadenas("audit", "verify").hasPrefix("intact"))
    }
  }
}
