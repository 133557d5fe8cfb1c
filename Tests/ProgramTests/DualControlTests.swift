import TestNetwork
import Testing

@testable import cadenas_dev

extension EndToEnd {
  /// An installation in which nobody is two things: two operators, an auditor, custodians and a monitor, each
  /// an account that every system has. Taking their place takes root, and these tests fail without.
  @Suite(
    .stage {
      $0.replacing("16GiB", with: "64MiB")
        .replacing(
          "  socket: admin.sock",
          with: """
              socket: admin.sock
              socket_group: \((try? Account.group) ?? "")
              custodians: [lp, mail, news]
              monitors: [proxy]
              tickets: required
              approvals: {destroy: 2, forget: 2, archive: 2, ceremony: 2}
            """
        )
        .replacing("  auditors: [", with: "  auditors: [daemon, ")
        .replacing("  operators: [", with: "  operators: [games, ")
    })
  struct DualControlTests {
    /// Runs `cadenas` as another account, with what it reads from its standard input.
    private func cadenas(
      _ arguments: String..., as account: String, typing: String = ""
    ) throws -> String {
      let stage = try Stage.current
      return try ChildProcess.run(
        ["bash", "-c", "printf '\(typing)' | \"$@\"", "bash"]
          + stage.command(arguments, as: account))
    }

    @Test func eachRoleMayDoItsOwnAndNothingElse() throws {
      try Stage.current.openToOthers()
      #expect(try cadenas("status", as: "proxy").contains("serving"))
      #expect(try cadenas("metrics", as: "proxy").contains("cadenas_cards"))
      for command in [["keys", "status"], ["audit", "show"], ["unseal", "--progress"], ["seal"]] {
        let said = try refusal {
          try ChildProcess.run(
            Account.command(as: "proxy") + [Stage.current.programs.vault] + command
              + ["--config", Stage.current.configuration])
        }
        #expect(said.contains("this is for") || said.contains("shares are entered by"), "\(said)")
      }
      #expect(try cadenas("unseal", "--progress", as: "lp").contains("no share has been entered"))
      for command in ["status", "approvals", "seal"] {
        #expect(try refusal { try cadenas(command, as: "lp") }.contains("this is for"))
      }
      // Custodians are named, so auditors are none.
      #expect(
        try refusal { try cadenas("unseal", "--progress", as: "daemon") }
          .contains("shares are entered by custodians"))
      #expect(try refusal { try cadenas("status", as: "irc") }.contains("this user has no role"))
    }

    @Test func nothingIsChangedWithoutATicket() throws {
      try Stage.current.openToOthers()
      let said = try refusal { try cadenas("keys", "rotate", "audit", as: "daemon") }
      #expect(said.contains("--ticket"), "\(said)")
      _ = try cadenas(
        "keys", "rotate", "audit", "--ticket", "CHG-1", "--reason", "the year is over",
        as: "daemon")
      let log = try cadenas("audit", "show", "--operation", "keys.rotate", as: "daemon")
      #expect(log.contains("refused (cause=ticket-needed role=audit)"), "\(log)")
      #expect(log.contains(" ticket=CHG-1 reason=the year is over)"), "\(log)")
      // What must not wait does not.
      #expect(try cadenas("seal", as: "games").contains("sealed"))
      #expect(try cadenas("unseal", "--ticket", "CHG-2", as: "games").contains("serving"))
    }

    @Test func aBackupIsForgottenByTwo() throws {
      try Stage.current.openToOthers()
      let stage = try Stage.current
      let path = "\(stage.directory)/backup.mdb"
      _ = try cadenas("store", "backup", "--to", path, "--ticket", "CHG-3", as: "games")
      let list = try cadenas("store", "backup", "list", "--format", "json", as: "daemon")
      let start = try #require(list.firstRange(of: "\"id\":\"")?.upperBound)
      let backup = String(list[start...].prefix(8))
      let asked = try cadenas(
        "store", "backup", "forget", backup, "--ticket", "CHG-4", as: "games")
      #expect(asked.contains("to forget the backup \(backup) waits for 1 more of 2 persons"))
      let waiting = try cadenas("approvals", as: "daemon")
      #expect(waiting.contains("forget the backup \(backup), whose file has the SHA-256"))
      let approval = try #require(asked.split(separator: " ").last).trimmingEnd()
      #expect(
        try refusal { try cadenas("approve", approval, as: "games") }.contains("different person"))
      // The request outlives a crash, and so does what is done.
      #expect(try cadenas("approve", approval, as: "daemon").contains("is forgotten"))
      #expect(
        try cadenas("store", "backup", "list", as: "daemon").contains("\(backup)  forgotten"))
    }

    @Test func aCeremonyIsApprovedAndSharesComeFromDifferentAccounts() async throws {
      try Stage.current.openToOthers()
      let stage = try Stage.current
      let token = try await stage.token(of: "4970105181818183")
      let plan = "\(stage.directory)/dual.yaml"
      try Account.write(
        Array("vault: v\nthreshold: 2\ncustodians: [{name: a}, {name: b}, {name: c}]\n".utf8),
        to: plan)
      try ChildProcess.run(["chmod", "644", plan])
      let shares = "\(stage.directory)/dual-shares"
      try ChildProcess.run(["install", "-d", "-o", "games", "-m", "0755", shares])
      func ceremony() throws -> String {
        try cadenas(
          "keys", "ceremony", "create", plan, "--shares", shares, "--ticket", "CHG-5",
          "--passphrase-fd", "0", as: "games",
          typing: "passphrase of a\\npassphrase of b\\npassphrase of c\\n")
      }
      let asked = try ceremony()
      #expect(asked.contains("the ceremony waits for 1 more of 2 persons"), "\(asked)")
      #expect(try DevelopmentFiles.names(in: shares).isEmpty)
      let line = try #require(asked.split(separator: "\n").first { $0.contains("approve") })
      let approval = String(try #require(line.split(separator: " ").last))
      #expect(
        try cadenas("approvals", as: "daemon")
          .contains("hold a ceremony: any 2 of a, b, c hold the key of v"))
      #expect(
        try cadenas("approve", approval, as: "daemon").contains("the ceremony may be held now"))
      // Killed between the approval and the act.
      try await stage.kill()
      try await stage.start()
      try Stage.current.openToOthers()
      #expect(try ceremony().contains("The keyring is wrapped under the key"))
      #expect(try cadenas("approvals", as: "daemon").contains("nothing waits"))
      try stage.configure {
        $0.replacing("  source: file\n  path: keys\n", with: "  source: custodians\n")
      }
      try ChildProcess.run(["chmod", "-R", "a+rX", shares])
      try await stage.stop()
      try await stage.start()
      try Stage.current.openToOthers()
      func enter(_ name: String, as account: String) throws -> String {
        try cadenas(
          "unseal", "--share", "\(shares)/\(name).share", "--passphrase-fd", "0", as: account,
          typing: "passphrase of \(name)\\n")
      }
      #expect(try enter("a", as: "lp").contains("1 more"))
      let twice = try refusal { try enter("b", as: "lp") }
      #expect(twice.contains("this account has entered another one already"), "\(twice)")
      #expect(try cadenas("unseal", "--progress", as: "news").contains("to unseal: a; 1 more"))
      #expect(try enter("b", as: "mail").contains("the service is serving"))
      #expect(try await stage.token(of: "4970105181818183") == token)
      let log = try cadenas("audit", "show", "--format", "json", as: "daemon")
      for words in [
        "\"actor\":\"user:lp\",\"operation\":\"unseal.share\"", "cause=same-account custodian=b",
        "accounts=distinct approval=\(approval) ticket=CHG-5 vault=v",
      ] {
        #expect(log.contains(words), "\(words)")
      }
      _ = try cadenas("audit", "verify", as: "daemon")
      let reports = "\(stage.directory)/reports"
      try ChildProcess.run(["install", "-d", "-o", "daemon", "-m", "0755", reports])
      _ = try cadenas("audit", "report", "--html", "\(reports)/page.html", as: "daemon")
      let page = try DevelopmentFiles.readText("\(reports)/page.html")
      #expect(page.contains("Their shares come from different accounts"))
      #expect(page.contains(" shares taken, shares of different accounts"))
    }
  }
}

extension Substring {
  /// Without the ends of lines behind it.
  fileprivate func trimmingEnd() -> String { String(filter { $0 != "\n" }) }
}
