import TestNetwork
import Testing

@testable import cadenas_dev

extension EndToEnd {
  /// A data key's end, wanted by two persons, and a service that is sealed: what is left of keys.
  ///
  /// The persons are two accounts that every system has; taking their place and reading memory take
  /// root, and these tests fail without.
  @Suite(.stageOfPersons) struct KeyRetirementTests {
    /// Runs `cadenas` as another account.
    private func cadenas(_ arguments: String..., as account: String) throws -> String {
      let stage = try Stage.current
      return try ChildProcess.run(stage.command(arguments, as: account))
    }

    @Test func aDataKeyIsDestroyedByTwoPersonsAndIsNowhere() async throws {
      let stage = try Stage.current
      try Stage.current.openToOthers()
      let token = try await stage.token(of: "4970105181818183")
      let paid = try await stage.ask(.push(token, amount: 4990, key: "before"))
      let vault = try stage.running.vaultProcess
      let secrets = try stage.secrets()
      let old = try #require(secrets.secrets.first { $0.name.hasPrefix("data ") })
      let key = String(old.name.dropFirst("data ".count))
      let gone = SecretSearch(
        secrets: [old] + secrets.secrets.filter { $0.name == "wrapping" })
      // The search finds what is there.
      #expect(try secrets.names(inMemoryOf: vault).contains(old.name))
      #expect(try gone.names(inFilesOf: "\(stage.directory)/store") == ["wrapping"])

      #expect(try refusal { try stage.cadenas("keys", "destroy", key) }.contains("active"))
      _ = try stage.cadenas("keys", "rotate", "data")
      let needed = try refusal { try stage.cadenas("keys", "destroy", key) }
      #expect(needed.contains("1 card stands under it"))
      _ = try stage.cadenas("keys", "reencrypt")
      #expect(try stage.cadenas("keys", "destroy", key).contains("nothing has been changed"))
      #expect(
        try refusal {
          try cadenas("keys", "destroy", key, "--execute", "--ticket", "x", as: "daemon")
        }
        .contains("operator"))
      let asked = try cadenas(
        "keys", "destroy", key, "--execute", "--ticket", "CHG-7", "--format", "json", as: "games")
      let approval = try #require(JSONMembers(Array(asked.utf8))["approval"])
      #expect(
        try refusal { try cadenas("approve", approval, as: "games") }.contains("different person"))
      #expect(try cadenas("approvals", as: "daemon").contains("user:games"))
      let done = try cadenas("approve", approval, as: "daemon")
      #expect(done.contains("the data key \(key) is destroyed"))

      #expect(try gone.names(inFilesOf: stage.directory).isEmpty)
      #expect(try gone.names(inMemoryOf: vault).isEmpty)
      #expect(try await stage.token(of: "4970105181818183") == token)
      let again = try await stage.ask(.push(token, amount: 4990, key: "before"))
      #expect(again.body == paid.body)
      _ = try stage.cadenas("audit", "verify")
      _ = try stage.cadenas("store", "verify")
      let log = try stage.cadenas("audit", "show", "--key", key, "--format", "json")
      #expect(log.contains("\"actor\":\"user:daemon\",\"operation\":\"approve\""))
      #expect(log.contains("ticket=CHG-7"))
    }

    @Test func noKeyIsLeftInMemoryOfASealedServiceAndItOpensAgain() async throws {
      let stage = try Stage.current
      let token = try await stage.token(of: "4970105181818183")
      for role in ["data", "fingerprint", "audit", "kek"] {
        _ = try stage.cadenas("keys", "rotate", role)
      }
      _ = try await stage.ask(.push(token, amount: 4990, key: "sealed"))
      let vault = try stage.running.vaultProcess
      let all = try stage.secrets()
      let search = SecretSearch(secrets: all.secrets.filter { $0.name != "wrapping" })
      #expect(try search.names(inMemoryOf: vault).count >= 3)
      #expect(try stage.cadenas("seal").contains("sealed"))
      #expect(try search.names(inMemoryOf: vault).isEmpty)
      let refused = try await stage.ask(.tokenize("4970105181818183"))
      #expect(refused.status == 503 && refused.body.contains("urn:cadenas:problem:sealed"))
      #expect(try stage.cadenas("status", "--format", "json").contains("\"state\":\"sealed\""))
      #expect(try stage.cadenas("seal").contains("sealed"))
      #expect(try stage.cadenas("unseal").contains("serving"))
      #expect(try await stage.token(of: "4970105181818183") == token)
    }
  }
}
