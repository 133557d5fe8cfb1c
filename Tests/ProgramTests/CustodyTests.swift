import Bytes
import Cryptography
import Keyring
import RecordFormat
import SecretMemory
import TestNetwork
import Testing

@testable import cadenas_dev

extension EndToEnd {
  /// Custodians at terminals of their own, from the ceremony to their successors.
  ///
  /// Reading the memory of a vault takes root, and these tests fail without.
  @Suite(
    .stage {
      // Every share is entered by the account of these tests.
      $0.replacing("16GiB", with: "64MiB")
        .replacing("  source: file\n", with: "  source: file\n  distinct_accounts: false\n")
    }) struct CustodyTests
  {
    private static let names = (1...5).map { "custodian-\($0)" }

    private static func passphrase(of name: String) -> String { "the passphrase of \(name)" }

    /// A plan in a file.
    private func plan(_ threshold: Int, _ names: [String]) throws -> String {
      let path = "\(try Stage.current.directory)/plan-\(names[0]).yaml"
      let custodians = names.map { "  - {name: \($0)}\n" }.joined()
      let text = "vault: demo-vault\nthreshold: \(threshold)\ncustodians:\n\(custodians)"
      try Account.write(Array(text.utf8), to: path)
      return path
    }

    /// Holds a ceremony at a terminal, where each custodian types their new passphrase twice.
    private func ceremony(
      _ verb: String, _ threshold: Int, _ names: [String], to folder: String
    ) throws -> Terminal {
      let stage = try Stage.current
      return try Terminal(
        stage.programs.vaultCommand([
          "keys", "ceremony", verb, try plan(threshold, names), "--shares",
          "\(stage.directory)/\(folder)", "--config", stage.configuration,
        ]))
    }

    private func typeNewPassphrases(_ names: [String], at terminal: Terminal) async throws {
      for name in names {
        try await terminal.wait(for: "New passphrase of \(name)")
        terminal.type(Self.passphrase(of: name))
        try await terminal.wait(for: "The same again", times: (names.firstIndex(of: name) ?? 0) + 1)
        terminal.type(Self.passphrase(of: name))
      }
    }

    /// A custodian enters their share at a terminal of their own.
    private func enter(
      _ command: [String], _ name: String, in folder: String = "shares",
      passphrase: String? = nil
    ) async throws -> (status: cadenas_dev.ExitStatus, shown: String) {
      let stage = try Stage.current
      let terminal = try Terminal(
        stage.programs.vaultCommand(
          command + ["--share", "\(stage.directory)/\(folder)/\(name).share"]
            + ["--config", stage.configuration]))
      if folder != "altered" {
        try await terminal.wait(for: "Passphrase of \(name)")
        terminal.type(passphrase ?? Self.passphrase(of: name))
      }
      let end = try await terminal.end()
      #expect(!end.shown.contains(passphrase ?? Self.passphrase(of: name)), "it was shown")
      return end
    }

    /// The share of a custodian in clear.
    private func secret(of name: String, in folder: String = "shares") throws -> [UInt8] {
      let text = try DevelopmentFiles.read("\(try Stage.current.directory)/\(folder)/\(name).share")
      let share = try CustodianShare(parsing: text.rawSpan)
      let passphrase = Array(Self.passphrase(of: name).utf8)
      let opened = try share.open(passphrase: SecretBytes(copying: passphrase.rawSpan))
      return opened.bytes.array
    }

    @Test func threeOfFiveOpenTheVaultAndTwoDoNot() async throws {
      let stage = try Stage.current
      let token = try await stage.token(of: "4970105181818183")
      let keys = try stage.secrets()
      let created = try ceremony("create", 3, Self.names, to: "shares")
      try await typeNewPassphrases(Self.names, at: created)
      let transcript = try await created.end()
      #expect(transcript.status == .exited(0), "\(transcript.shown)")
      try stage.configure {
        $0.replacing(
          "  source: file\n  distinct_accounts: false\n  path: keys\n",
          with: "  source: custodians\n  distinct_accounts: false\n  former_path: keys\n")
      }
      for group in [[0, 1, 2], [4, 2, 3]] {
        try await stage.stop()
        try await stage.start()
        let refused = try await stage.ask(.tokenize("4970105181818183"))
        #expect(refused.status == 503 && refused.body.contains("urn:cadenas:problem:sealed"))
        try await open(with: group.map { Self.names[$0] })
        #expect(try await stage.token(of: "4970105181818183") == token)
      }
      try destroyKeyOfBefore()
      try await expectMistakeNamed()
      try await expectNoSecret(keys)
      try await replace(token)
    }

    private func open(with custodians: [String]) async throws {
      let stage = try Stage.current
      let unseal = ["unseal"]
      let first = try await enter(unseal, custodians[0])
      #expect(first.shown.contains("2 more within 15 minutes"), "\(first.shown)")
      let wrong = try await enter(unseal, custodians[1], passphrase: "not the passphrase")
      #expect(wrong.status == .exited(1))
      #expect(wrong.shown.contains("the share of \(custodians[1]) does not open"))
      let second = try await enter(unseal, custodians[1])
      #expect(second.shown.contains("1 more"))
      #expect(try stage.cadenas("status", "--format", "json").contains("\"state\":\"sealed\""))
      let third = try await enter(unseal, custodians[2])
      #expect(third.shown.contains("the service is serving"), "\(third.shown)")
    }

    /// The KEK that the key source had goes with its file.
    private func destroyKeyOfBefore() throws {
      let stage = try Stage.current
      let file = try #require(try DevelopmentFiles.names(in: "\(stage.directory)/keys").first)
      let key = String(file.prefix(8))
      let done = try stage.cadenas("keys", "destroy", key, "--execute", "--ticket", "CHG-9")
      #expect(done.contains("the KEK \(key) is destroyed"), "\(done)")
      #expect(try DevelopmentFiles.names(in: "\(stage.directory)/keys").isEmpty)
    }

    /// A share that was mistyped by one character.
    private func expectMistakeNamed() async throws {
      let stage = try Stage.current
      let path = "\(stage.directory)/shares/custodian-1.share"
      let text = try DevelopmentFiles.readText(path)
      let place = try #require(text.firstRange(of: "line 2:      ")?.upperBound)
      let other = text[place] == "A" ? "B" : "A"
      try Account.makeDirectory("\(stage.directory)/altered")
      let altered = "\(stage.directory)/altered/custodian-1.share"
      try Account.write(
        Array((text[..<place] + other + text[text.index(after: place)...]).utf8), to: altered)
      let answer = try await enter(["unseal"], "custodian-1", in: "altered")
      #expect(answer.status == .exited(1))
      #expect(answer.shown.contains("group 1 of line 2"), "\(answer.shown)")
    }

    /// A service that is sealed holds no key and no share, whatever was entered.
    private func expectNoSecret(_ keys: SecretSearch) async throws {
      let stage = try Stage.current
      let shares = try Self.names.map { (name: $0, bytes: try secret(of: $0)) }
      let search = SecretSearch(
        secrets: keys.secrets.filter { $0.name != "wrapping" && !$0.name.hasPrefix("kek") } + shares
      )
      let vault = try stage.running.vaultProcess
      #expect(try !search.names(inMemoryOf: vault).isEmpty)
      #expect(try stage.cadenas("seal").contains("sealed"))
      _ = try await enter(["unseal"], Self.names[0])
      #expect(try search.names(inMemoryOf: vault) == [Self.names[0]])
      _ = try await enter(["unseal"], Self.names[3])
      _ = try await enter(["unseal"], Self.names[4])
      #expect(try search.names(inMemoryOf: vault).isDisjoint(with: Self.names))
      #expect(try stage.cadenas("seal").contains("sealed"))
      #expect(try search.names(inMemoryOf: vault).isEmpty)
      try await open(with: Array(Self.names[1...3]))
    }

    /// Two others take the place of the five, three of whom agree; afterwards the old shares are
    /// worth nothing.
    private func replace(_ token: String) async throws {
      let stage = try Stage.current
      let successors = ["keeper-1", "keeper-2"]
      let replaced = try ceremony("replace", 2, successors, to: "successors")
      try await typeNewPassphrases(successors, at: replaced)
      try await replaced.wait(for: "waiting for the present custodians")
      try await expectInSecretMemoryAlone(try keyOfShares(successors, in: "successors"))
      for name in Self.names.prefix(3) {
        _ = try await enter(["keys", "ceremony", "authorize"], name)
      }
      let end = try await replaced.end()
      #expect(end.status == .exited(0), "\(end.shown)")
      try await stage.stop()
      try await stage.start()
      let old = try await enter(["unseal"], Self.names[0])
      #expect(
        old.status == .exited(1) && old.shown.contains("not the key that is needed"), "\(old.shown)"
      )
      for name in successors { _ = try await enter(["unseal"], name, in: "successors") }
      #expect(try await stage.token(of: "4970105181818183") == token)
      let log = try stage.cadenas("audit", "show", "--format", "json")
      for words in [
        "cause=wrong-passphrase custodian=custodian-2", "\"operation\":\"unseal\"",
        "\"operation\":\"ceremony.share\"", " custodian=keeper-2",
        "threshold=2 custodians=2",
      ] {
        #expect(log.contains(words), "\(words)")
      }
      _ = try stage.cadenas("audit", "verify")
      try await restore(token)
    }

    /// The key that both of two shares rebuild.
    private func keyOfShares(_ names: [String], in folder: String) throws -> [UInt8] {
      let shares = try names.flatMap { try secret(of: $0, in: folder) }
      let key = try SecretSharing.combine(
        shares.rawSpan, coordinates: (1...names.count).map { UInt8($0) })
      return key.bytes.array
    }

    /// A key that the service was given and waits with lies in locked memory, and nowhere else: not
    /// in a buffer of the connection that it came over, which is open all the time.
    private func expectInSecretMemoryAlone(_ key: [UInt8]) async throws {
      let search = SecretSearch(secrets: [("key", key)])
      let vault = try Stage.current.running.vaultProcess
      try await eventually("the service has the key") {
        try !search.names(inMemoryOf: vault).isEmpty
          && search.names(inMemoryOf: vault, besidesLocked: true).isEmpty
      }
    }

    /// A backup opens with shares as the store does, and not without.
    private func restore(_ token: String) async throws {
      let stage = try Stage.current
      let backup = "\(stage.directory)/backup.mdb"
      _ = try stage.cadenas("store", "backup", "--to", backup)
      try await stage.stop()
      #expect(try stage.cadenas("check").contains("any 2 of 2 custodians open the keyring"))
      try ChildProcess.run(["mv", "\(stage.directory)/store", "\(stage.directory)/before"])
      let restore = ["store", "restore", "--from", backup]
      #expect(throws: DevelopmentError.self) { try stage.cadenas(restore) }
      let shares = ["keeper-1", "keeper-2"].flatMap {
        ["--share", "\(stage.directory)/successors/\($0).share"]
      }
      let typed = ["keeper-1", "keeper-2"].map { Self.passphrase(of: $0) + "\\n" }.joined()
      try ChildProcess.run(
        ["bash", "-c", "printf '\(typed)' | \"$@\"", "bash"]
          + stage.programs.vaultCommand(
            restore + shares + ["--passphrase-fd", "0", "--config", stage.configuration]))
      try await stage.start()
      for name in ["keeper-1", "keeper-2"] {
        _ = try await enter(["unseal"], name, in: "successors")
      }
      #expect(try await stage.token(of: "4970105181818183") == token)
    }
  }
}
