import Bytes
import Glibc
import Storage
import TestNetwork
import Testing

@testable import cadenas
@testable import cadenas_dev

extension EndToEnd {
  /// What the log says of who did something, from where, and of what runs.
  @Suite(.stage) struct OriginTests {
    private func entries(of stage: Stage? = nil, _ filter: String...) throws -> [JSONMembers] {
      try (stage ?? Stage.current).cadenas(["audit", "show", "--format", "json"] + filter)
        .split(separator: "\n").map { try JSONMembers(Array($0.utf8)) }
    }

    @Test func aClientsEntryHasTheAddressOfItsConnection() async throws {
      let stage = try Stage.current
      let token = try await stage.token(of: TestCard.visa)
      let entry = try #require(entries("--operation", "tokenize", "--token", token).last)
      let origin = try #require(entry["origin"])
      #expect(origin.wholeMatch(of: /127\.0\.0\.1:[0-9]{2,5}/) != nil, "\(origin)")
    }

    /// The account that logged in stays what it was through `sudo`; the kernel keeps it.
    @Test func aUsersEntryHasAccountLoginAndTerminal() async throws {
      let stage = try Stage.current
      let account = try Account.name
      _ = try stage.cadenas("keys", "status")
      let own = try #require(entries("--operation", "keys.status").last?["origin"])
      #expect(own.hasPrefix("account=\(account) login="), "\(own)")
      guard geteuid() == 0 else { return }
      let command = stage.programs.vaultCommand(
        ["keys", "status", "--config", stage.configuration])
      _ = try ChildProcess.run(
        ["sh", "-c", "echo 1 >/proc/self/loginuid; exec \"$@\"", "sh"] + command)
      let origin = try #require(entries("--operation", "keys.status").last?["origin"])
      #expect(origin == "account=\(account) login=daemon terminal=none")
    }

    @Test func whoIsNotServedIsNotedWithWhatTheyShowed() async throws {
      let stage = try Stage.current
      for name in ["revoked", "stranger", "nobody"] {
        _ = try? await stage.ask(.tokenize(TestCard.visa), as: name)
      }
      let expected = [
        ("revoked", "spiffe://shop.example/checkout"),
        ("noAuthority", "spiffe://shop.example/checkout"),
        ("unknownClient", "spiffe://nobody.example/checkout"),
      ]
      for (cause, subject) in expected {
        try await eventually("an entry about \(cause)") {
          try entries("--operation", "client.rejected").contains { entry in
            let reason = entry["reason"] ?? ""
            return entry["actor"] == "unknown" && entry["outcome"] == "refused"
              && entry["origin"]?.hasPrefix("127.0.0.1:") == true
              && reason.hasPrefix("cause=\(cause) serial=")
              && reason.contains(" subject=\(subject)")
          }
        }
      }
    }

    @Test func whoeverComesAgainAndAgainGetsFewEntries() async throws {
      let stage = try Stage.current
      for _ in 0..<20 { _ = try? await stage.ask(.tokenize(TestCard.visa), as: "nobody") }
      // What came after them is written after them.
      _ = try await stage.token(of: TestCard.mastercard)
      let own = try entries("--operation", "client.rejected", "--outcome", "refused").filter {
        $0["reason"]?.contains("unknownClient") == true
      }
      // Of another test's minute, and of this one's where a minute has ended meanwhile.
      #expect((1...18).contains(own.count))
    }

    @Test func whatHappenedWithoutAServiceIsNotedAtTheNextStart() async throws {
      try await Stage.withStage { stage in
        func notes() throws -> [JSONMembers] {
          try entries(of: stage, "--operation", "store.offline")
        }
        #expect(try notes().isEmpty, "at the first start there was nothing")
        try await stage.stop()
        _ = try stage.cadenas("audit", "show", "--limit", "1")
        try await stage.start()
        let note = try #require(notes().last)
        #expect(note["actor"] == "system" && note["outcome"] == "done")
        #expect(note["reason"]?.hasPrefix("command=audit.show at=20") == true)
        #expect(note["reason"]?.contains(" by=user:\(try Account.name)") == true)
        #expect(try notes().count == 1, "nobody wrote")

        try await stage.stop()
        try change("\(stage.directory)/store")
        try await stage.start()
        #expect(try notes().count == 2)
        #expect(try notes().last?["outcome"] == "changed")
        #expect(try notes().last?["reason"]?.hasPrefix("transaction=") == true)
        try await stage.stop()
        try await stage.start()
        #expect(try notes().count == 2, "told once")
        // What somebody writes into the notes accuses nobody.
        try await stage.stop()
        try Account.write(
          Array(
            (#"{"seq":0,"time":"2026-11-01T03:00:00.000Z","actor":"spiffe://shop.example/checkout","#
              + #""operation":"detokenize","outcome":"done"}"# + "\ngarbage\n").utf8),
          to: "\(stage.directory)/store/offline.jsonl")
        try await stage.start()
        #expect(try notes().count == 3)
        #expect(try notes().last?["reason"] == "unreadable=2")
        // A crash leaves no mark, and is no change of somebody's.
        try await stage.kill()
        try await stage.start()
        #expect(try notes().count == 3)
      }
    }

    /// Writes into a store that no service has, with something that is no command of ours.
    private func change(_ directory: String) throws {
      let store = try Store.open(at: directory, mapSize: 1 << 30)
      try store.startWriter { _ in }
      try store.perform { (transaction) throws(StorageError) in
        let key = Array("somebody".utf8)
        try transaction.put(key: key.rawSpan, value: key.rawSpan, in: .meta)
      }
      store.stopWriter()
      if geteuid() == 0 {
        try ChildProcess.run(["chown", "-R", "--reference=\(directory)", directory])
      }
    }

    @Test func aStartSaysWhatRuns() throws {
      let stage = try Stage.current
      let program = try #require(
        ChildProcess.run(["sha256sum", stage.programs.vault]).split(separator: " ").first)
      let status = try JSONMembers(Array(stage.cadenas("status", "--format", "json").utf8))
      #expect(status["program_sha256"] == String(program))
      let start = try #require(
        entries("--operation", "serve", "--outcome", "started").last?["reason"])
      #expect(start.hasPrefix("version=\(Version.current)"))
      #expect(start.hasSuffix(" program=\(program)"))
      #expect(status["commit"] == Version.commit)
      let printed = try ChildProcess.run(stage.programs.vaultCommand(["--version"]))
      #expect(printed == Version.full + "\n")
    }
  }
}
