import Testing

@testable import cadenas_dev

/// What tests have in common that take the places of several accounts of this host, which takes root.
extension Stage {
  /// The command line `cadenas ARGUMENT…` as the account `name`, with this stage's configuration.
  func command(_ arguments: [String], as name: String) throws -> [String] {
    try Account.command(as: name) + [programs.vault] + arguments + ["--config", configuration]
  }

  /// Lets other accounts reach the socket and read the configuration.
  func openToOthers() throws {
    try ChildProcess.run(["chmod", "755", directory])
    try ChildProcess.run(["chmod", "644", configuration])
  }
}

/// What a command says that ends with status 1.
func refusal(_ body: () throws -> String) throws -> String {
  do {
    return "not refused: " + (try body())
  } catch DevelopmentError.toolFailed(_, "status 1", let output) {
    return output
  }
}

extension Trait where Self == Stage.Trait {
  /// An installation in which the account games is an operator too, and daemon an auditor; it takes two persons to
  /// destroy a key.
  static var stageOfPersons: Self {
    .stage {
      $0.replacing("16GiB", with: "64MiB")
        .replacing(
          "  socket: admin.sock",
          with: "  socket: admin.sock\n  socket_group: \((try? Account.group) ?? "")"
        )
        .replacing("  auditors: [", with: "  approvals: {destroy: 2}\n  auditors: [daemon, ")
        .replacing("  operators: [", with: "  operators: [games, ")
    }
  }
}
