import Testing

@testable import cadenas_dev

@Suite("The command line")
struct CommandLineTests {
  static let scripts = [
    "accounts", "acquirers", "backup", "brands", "ceremony", "changed", "check", "credential",
    "evidence", "exports", "honeytoken", "init", "keysource", "limits", "locked", "misconfigured",
    "offline",
    "pairs", "refused", "restore", "running", "usage",
  ]

  @Test("prints what its scripts show", arguments: scripts)
  func script(name: String) throws {
    let folder = #filePath.split(separator: "/").dropLast().map { "/\($0)" }.joined()
    let script = CommandLineScript(
      try DevelopmentFiles.readText("\(folder)/CommandLine/\(name).txt"))
    #expect(!script.steps.isEmpty)
    try withScratchDirectory { directory in
      let runner = try CommandLineRunner(directory: "\(directory)/i")
      for step in script.steps {
        switch step {
        case .act(let act): try runner.act(act)
        case .command(let command, let expected, let status):
          let result = try runner.run(command)
          let printed = result.lines.joined(separator: "\n")
          #expect(
            CommandLineScript.matches(result.lines[...], expected[...]),
            "\(name): $ \(command)\nprinted:\n\(printed)")
          #expect(result.status == status, "\(name): $ \(command)\nprinted:\n\(printed)")
        }
      }
    }
  }
}
