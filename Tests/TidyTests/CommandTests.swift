import Testing

/// What a command is would be forgotten silently: its name among its parent's.
@Suite struct CommandTests {
  @Test func everyCommandIsReachable() {
    let lines = SourceTree.swift(in: "Sources").flatMap(\.lines)
    let commands = lines.compactMap { line -> Substring? in
      guard line.contains("struct "), line.contains("ParsableCommand"), !line.contains("//") else {
        return nil
      }
      return line.split(separator: "struct ").last?.prefix { $0.isLetter || $0.isNumber }
    }
    #expect(commands.count > 30, "the commands were not found")
    for command in commands
    where !["Cadenas", "CadenasDev", "CadenasPage"].contains(command) {
      #expect(
        lines.contains { $0.contains("\(command).self") },
        "\(command) stands among nobody's subcommands")
    }
  }
}
