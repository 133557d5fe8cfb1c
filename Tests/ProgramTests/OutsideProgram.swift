@testable import cadenas_dev

/// A program in another language, in the folder `Reader` of these tests. It belongs to the test, whose
/// user runs it: the account of the programs need not be able to read the clone.
enum OutsideProgram {
  /// The folder of these tests, and the root of the repository.
  private static let folder =
    #filePath.split(separator: "/").dropLast().map { "/\($0)" }.joined()
  private static let root =
    #filePath.split(separator: "/").dropLast(3).map { "/\($0)" }.joined()

  /// Prometheus' own judge of metrics.
  static var promtool: String {
    get throws {
      let path = "\(root)/.build-prometheus/promtool"
      guard DevelopmentFiles.exists(path) else {
        throw Stage.Failed("\(path) is missing: run deploy/test, which gets it")
      }
      return path
    }
  }

  /// The command that runs the program `name`.
  static func command(_ name: String) throws -> String {
    let python = "\(root)/.build-python/bin/python"
    guard DevelopmentFiles.exists(python) else {
      throw Stage.Failed(
        "\(python) is missing: run deploy/test, which installs it, or `source deploy/prepare.sh`")
    }
    return "'\(python)' '\(folder)/Reader/\(name)'"
  }
}

extension CommandLineRunner {
  /// Runs a command that has to end well, and gives what it printed.
  @discardableResult
  func succeed(_ command: String, as user: User = .account) throws -> String {
    let result = try run(command, as: user)
    let text = result.lines.joined(separator: "\n")
    guard result.status == 0 else { throw Stage.Failed("$ \(command)\n\(text)") }
    return text
  }
}
