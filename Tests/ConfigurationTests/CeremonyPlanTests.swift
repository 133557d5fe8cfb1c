import ConfigurationReading
import RecordFormat
import TestSupport
import Testing

@Suite struct CeremonyPlanTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func load(_ text: String) throws -> CeremonyPlan {
    try CeremonyPlan.load(path: directory.write("ceremony.yaml", text))
  }

  /// What is said about a plan, without the directory.
  private func complaints(_ text: String) throws -> [String] {
    do {
      _ = try load(text)
      return []
    } catch let error as ConfigurationError {
      return error.description.replacing(directory.path + "/", with: "").split(separator: "\n")
        .map(String.init)
    }
  }

  @Test func `the sample is a plan`() throws {
    let plan = try load(String(decoding: PackageResources.ceremony_yaml, as: UTF8.self))
    let year: UInt64 = 365 * 86_400
    #expect(plan.vault == "demo-vault")
    #expect(plan.threshold == 3)
    #expect(plan.custodians == (1...5).map { "custodian-\($0)" })
    #expect(
      plan.periods
        == [.kek: year, .data: year, .fingerprint: 2 * year, .audit: 2 * year])
  }

  @Test func `periods may be left out, one by one`() throws {
    let plan = try load(
      """
      vault: v
      threshold: 2
      custodians: [{name: a}, {name: "2"}]
      cryptoperiods: {kek: 24h}
      """)
    #expect(plan.periods == [.kek: 86_400])
    #expect(plan.custodians == ["a", "2"])
  }

  @Test func `what is missing is said, all of it`() throws {
    #expect(
      try complaints("vaults: v") == [
        "ceremony.yaml:1: \"vault\" is missing",
        "ceremony.yaml:1: \"custodians\" is missing",
        "ceremony.yaml:1: \"threshold\" is missing",
        "ceremony.yaml:1: unknown key \"vaults\": did you mean \"vault\"?",
      ])
  }

  @Test func `names that cannot stand on paper are told with their line`() throws {
    let rule =
      "1 to 64 letters, digits, dots, hyphens, underscores and single spaces, a letter or digit at "
      + "both ends"
    #expect(
      try complaints(
        """
        vault: ../v
        threshold: 2
        custodians:
          - {name: a/b}
          - {name: "a  b"}
          - {name: custodian-3}
          - {name: Custodian-3}
          - {name: .hidden}
        """) == [
          "ceremony.yaml:1: \"../v\" cannot name a vault: \(rule)",
          "ceremony.yaml:4: \"a/b\" cannot name a custodian: \(rule)",
          "ceremony.yaml:5: \"a  b\" cannot name a custodian: \(rule)",
          "ceremony.yaml:7: the custodian \"Custodian-3\" is named twice",
          "ceremony.yaml:8: \".hidden\" cannot name a custodian: \(rule)",
        ])
  }

  @Test(arguments: ["1", "4", "0", "-2", "two", "[2]"])
  func `a threshold out of bounds is told`(_ threshold: String) throws {
    let said = try complaints(
      "vault: v\nthreshold: \(threshold)\ncustodians: [{name: a}, {name: b}, {name: c}]\n")
    let found = threshold == "[2]" ? "a list" : "the value \"\(threshold)\""
    #expect(
      said == [
        "ceremony.yaml:2: \"threshold\" expects a whole number from 2 to 3, the number of custodians, "
          + "found \(found)"
      ])
  }

  @Test func `too few, too many and no list of custodians are told`() throws {
    let many = (1...16).map { "{name: c\($0)}" }.joined(separator: ", ")
    for list in ["[{name: a}]", "[\(many)]", "a", "{name: a}"] {
      #expect(
        try complaints("vault: v\nthreshold: 2\ncustodians: \(list)\n") == [
          "ceremony.yaml:3: \"custodians\" expects a list of 2 to 15 custodians: each as: "
            + "- {name: custodian-1}"
        ])
    }
  }

  @Test func `an entry that is no mapping, or has other keys, is told`() throws {
    #expect(
      try complaints("vault: v\nthreshold: 2\ncustodians: [a, {name: b, share: 1}]\n") == [
        "ceremony.yaml:3: expected a mapping for \"custodians\", found the value \"a\"",
        "ceremony.yaml:3: unknown key \"custodians.share\"",
      ])
  }

  @Test(arguments: 0..<4 as Range<UInt64>)
  func `mutated plans are read or refused`(seed: UInt64) throws {
    var generator = SeededGenerator(seed: 77 + seed)
    for _ in 0..<150 {
      let bytes = FuzzTests.mutate(PackageResources.ceremony_yaml, &generator)
      let path = try directory.write("ceremony.yaml", bytes: bytes)
      do throws(ConfigurationError) {
        let plan = try CeremonyPlan.load(path: path)
        #expect((2...plan.custodians.count).contains(plan.threshold))
      } catch {
        #expect(!error.diagnostics.isEmpty)
      }
    }
  }
}
