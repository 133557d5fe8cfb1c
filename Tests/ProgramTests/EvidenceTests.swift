import Foundation
import TestNetwork
import Testing

@testable import cadenas_dev

extension EndToEnd {
  /// The questions of an assessor, answered from one folder by the commands of the guide.
  ///
  /// The installation has accounts of its own: an operator, two auditors and the service's. Taking their places takes
  /// root, and this test fails without.
  @Suite(.stageOfPersons) struct EvidenceTests {
    /// One that the search looks for.
    private static let card = "4970105181818183"
    private static let guide = "Sources/cadenas/Documentation.docc/Evidence.md"

    /// What the answer to a question has to hold.
    private static let answers: [(question: String, holds: [String])] = [
      ("Is the folder whole", ["SHA256SUMS"]),
      ("Can entries have been changed", ["intact"]),
      ("Who may do what now", ["user:games", "spiffe://shop.example/checkout"]),
      ("Who had access to keys", [#""operation":"keys.rotate""#, #""actor":"user:games""#]),
      (
        "Under whose approval",
        [#""operation":"approve""#, #""actor":"user:daemon""#, "ticket=CHG-7"]
      ),
      ("Which algorithms", [#""name":"XAES-256-GCM""#, #""key_bits":256"#]),
      ("Which administrative actions", ["account=games login=bin terminal=none"]),
      ("Who was turned away", ["cause=revoked", "not-permitted", #""reason":"token-not-found""#]),
      ("What changed in the configuration", ["bin"]),
      ("When was the service started", [#""outcome":"started","reason":"version="#, "program="]),
      ("Was the store opened", ["command=store.stats"]),
      ("Is time synchronized", [""]),
      ("Which alarms were raised", [""]),
      ("Were keys replaced", [#""cryptoperiod_end""#, #""state":"destroyed""#]),
      (
        "What became of keys", ["kind final", "destroyed-by user:games", "approved-by user:daemon"]
      ),
      ("Are twelve months", ["10.5.1"]),
      ("Which copies", [#""state":"kept""#]),
    ]

    private func cadenas(_ arguments: String..., as account: String) throws -> String {
      let stage = try Stage.current
      // The operator is somebody who logged in as bin, and became games.
      let login = ["games": 2, "daemon": 1][account] ?? 7
      return try ChildProcess.run(
        ["sh", "-c", "echo \(login) >/proc/self/loginuid; exec \"$@\"", "sh"]
          + stage.command(arguments, as: account))
    }

    /// A year of a vault, in short.
    private func live(_ stage: Stage) async throws {
      try stage.openToOthers()
      let token = try await stage.token(of: Self.card)
      _ = try await stage.ask(.push(token, amount: 4990, key: "evidence"))
      _ = try await stage.ask(
        WireRequest(method: "DELETE", path: "/v1/tokens/tok_01kax3zv5ye8bvkp2mszn9fqxw"))
      for name in ["revoked", "stranger", "nobody"] {
        _ = try? await stage.ask(.tokenize(Self.card), as: name)
      }
      _ = try? cadenas("keys", "status", as: "lp")
      let keys = try JSONMembers.rows(cadenas("keys", "status", "--format", "json", as: "daemon"))
      let old = try #require(keys.first { $0["role"] == "data" }?["id"])
      _ = try cadenas("keys", "rotate", "data", "--ticket", "CHG-7", as: "games")
      _ = try cadenas("keys", "reencrypt", as: "games")
      let asked = try cadenas(
        "keys", "destroy", old, "--execute", "--ticket", "CHG-7", "--format", "json", as: "games")
      let request = try #require(asked.firstMatch(of: /"approval":"([0-9a-f]{8})"/)?.1)
      _ = try cadenas("approve", String(request), as: "daemon")
      try ChildProcess.run(["chmod", "777", stage.directory])
      _ = try cadenas(
        "store", "backup", "create", "--to", "\(stage.directory)/copy.mdb", as: "games")
      try stage.configure { $0.replacing("operators: [games, ", with: "operators: [games, bin, ") }
      try await stage.reload()
      try await stage.stop()
      _ = try stage.cadenas("store", "stats")
      try await stage.start()
      try ChildProcess.run(["chmod", "644", stage.configuration])
    }

    @Test func eachQuestionIsAnsweredFromOneFolderByACommandOfTheGuide() async throws {
      let stage = try Stage.current
      try await live(stage)
      let pinned = try cadenas("keys", "public-key", as: "daemon")
      let folder = "\(stage.directory)/evidence"
      let made = try cadenas("audit", "evidence", "--to", folder, as: "daemon")
      #expect(made.contains("SHA256SUMS"))
      try ChildProcess.run(["chmod", "-R", "a+rX", folder])
      // The auditor's own computer: no configuration, no service.
      let desk = try Account.makeTemporaryDirectory(prefix: "cadenas-desk")
      defer { _ = try? ChildProcess.run(["rm", "-rf", desk]) }
      try ChildProcess.run(["cp", "-r", "\(folder)/.", desk])
      try Account.write(Array(pinned.utf8), to: "\(desk)/pinned-key")
      let search = NumberSearch([Self.card])
      for file in try ChildProcess.run(["find", desk, "-type", "f"]).split(separator: "\n") {
        #expect(search.hits(in: try DevelopmentFiles.read(String(file))).isEmpty, "\(file)")
      }

      let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
      let guide = try String(contentsOf: root.appending(path: Self.guide), encoding: .utf8)
      let blocks = guide.split(separator: "```sh\n").dropFirst().map {
        $0.prefix(upTo: $0.firstRange(of: "```")?.lowerBound ?? $0.endIndex)
      }
      #expect(blocks.count == Self.answers.count, "each question has an answer here")
      for (question, holds) in Self.answers {
        let block = try #require(blocks.first { $0.contains(question) }, "\(question)")
        let command = block.replacing("cadenas audit", with: "\(stage.programs.vault) audit")
        let answer = try ChildProcess.run(
          ["env", "--chdir=\(desk)"] + stage.programs.account + [
            "env", "--chdir=\(desk)", "sh", "-c",
          ]
            + [String(command)])
        #expect(!answer.isEmpty, "\(question)")
        for text in holds where !text.isEmpty {
          #expect(answer.contains(text), "\(question): \(text) is not in\n\(answer.suffix(3_000))")
        }
      }
    }
  }
}

extension JSONMembers {
  /// The objects of the one list of a document, read by their plain members.
  fileprivate static func rows(_ text: String) throws -> [JSONMembers] {
    try text.matches(of: /\{[^{}]*\}/).map { try JSONMembers(Array(String($0.0).utf8)) }
  }
}
