import Glibc
import NIOHTTP1

@testable import cadenas_dev

/// A test that shows commands and what they print.
///
/// Lines of a script:
/// - `# …` is a comment.
/// - `@ start`, `@ stop` start and stop the service; `@ tokenize NUMBER` and `@ delete` act as the
///   shop, `delete` on the token that came last.
/// - `$ …` is a command for the shell, in the directory of the installation. What follows, to the
///   next such line, is what it has to print, standard error included: `[..]` stands for anything
///   in a line, a line `...` for any lines.
/// - `? N` at the end of that is its exit status, 0 where it is not said.
struct CommandLineScript {
  enum Step: Equatable {
    case act(String)
    case command(String, expecting: [String], status: Int32)
  }

  let steps: [Step]

  init(_ text: String) {
    var steps: [Step] = []
    var command: (text: String, expected: [String], status: Int32)?
    func finish() {
      guard let done = command else { return }
      steps.append(
        .command(done.text, expecting: Self.trimmed(done.expected), status: done.status))
      command = nil
    }
    for line in text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) {
      let rest = String(line.dropFirst(2))
      switch line.prefix(2) {
      case "# ": finish()
      case "@ ":
        finish()
        steps.append(.act(rest))
      case "$ ":
        finish()
        command = (rest, [], 0)
      case "? ": command?.status = Int32(rest) ?? -1
      default: command?.expected.append(line)
      }
    }
    finish()
    self.steps = steps
  }

  /// Lines without the empty ones at the end.
  static func trimmed(_ lines: [String]) -> [String] {
    var lines = lines
    while lines.last?.isEmpty == true { lines.removeLast() }
    return lines
  }

  /// Whether `lines` are what `expected` says.
  static func matches(_ lines: ArraySlice<String>, _ expected: ArraySlice<String>) -> Bool {
    guard let pattern = expected.first else { return lines.isEmpty }
    if pattern == "..." {
      return (lines.startIndex...lines.endIndex).contains {
        matches(lines[$0...], expected.dropFirst())
      }
    }
    guard let line = lines.first, matches(line, pattern) else { return false }
    return matches(lines.dropFirst(), expected.dropFirst())
  }

  /// Whether a line is what `pattern` says.
  private static func matches(_ line: String, _ pattern: String) -> Bool {
    let pieces = Self.pieces(pattern)
    guard pieces.count > 1 else { return line == pattern }
    guard line.hasPrefix(pieces[0]), line.hasSuffix(pieces[pieces.count - 1]),
      line.utf8.count >= pieces[0].utf8.count + pieces[pieces.count - 1].utf8.count
    else { return false }
    var rest = Array(
      line.utf8.dropFirst(pieces[0].utf8.count).dropLast(pieces[pieces.count - 1].utf8.count))[...]
    for piece in pieces.dropFirst().dropLast() where !piece.isEmpty {
      let wanted = Array(piece.utf8)
      guard
        let start = rest.indices.first(where: { rest[$0...].starts(with: wanted) })
      else { return false }
      rest = rest[(start + wanted.count)...]
    }
    return true
  }

  /// What stands between the `[..]` of a pattern.
  private static func pieces(_ pattern: String) -> [String] {
    var pieces: [[UInt8]] = [[]]
    var rest = Array(pattern.utf8)[...]
    let any = Array("[..]".utf8)
    while !rest.isEmpty {
      if rest.starts(with: any) {
        pieces.append([])
        rest = rest.dropFirst(any.count)
      } else {
        pieces[pieces.count - 1].append(rest.removeFirst())
      }
    }
    return pieces.map { String(decoding: $0, as: UTF8.self) }
  }
}

/// Runs a script in an installation of its own.
final class CommandLineRunner {
  private let directory: String
  private let programs: Programs
  private var service: RunningInstallation?
  private var token = ""

  init(directory: String) throws {
    self.directory = directory
    programs = try Account.programs
  }

  deinit { service?.stop() }

  /// Does what `@` says.
  func act(_ text: String) throws {
    let words = text.split(separator: " ")
    switch words.first {
    case "start":
      service = try RunningInstallation(directory: directory, programs: programs, life: .free)
    case "stop":
      let status = service?.stop()
      service = nil
      guard status == .exited(0) else {
        let log = try DevelopmentFiles.readText("\(directory)/logs/vault.log")
        throw DevelopmentError.childFailed(
          name: "vault", reason: "did not stop as it should", log: log)
      }
    case "tokenize":
      let body = #"{"number":"\#(words[1])","exp_month":12,"exp_year":2099}"#
      let answer = try shop().send(.POST, "/v1/tokens", body: body)
      token = try JSONMembers(answer.body)["token"] ?? ""
    case "delete": _ = try shop().send(.DELETE, "/v1/tokens/\(token)")
    default: throw DevelopmentError.file(path: text, reason: "is no step of a script")
    }
  }

  private func shop() throws -> HTTPSClient {
    guard let service else {
      throw DevelopmentError.file(path: directory, reason: "no service runs")
    }
    return try service.client("shop")
  }

  /// Who runs a command.
  enum User {
    /// The account of the programs.
    case account
    /// The user of the tests, who may read the clone that they are in.
    case test
  }

  /// The command of a shell that runs the program `cadenas` as the account, in the directory of the
  /// installation, whoever runs the shell.
  var vault: String {
    (programs.account + ["env", "--chdir=\(directory)", programs.vault])
      .map(Self.quoted).joined(separator: " ")
  }

  /// Runs a shell command, and gives what it printed and its exit status.
  func run(_ command: String, as user: User = .account) throws -> (lines: [String], status: Int32) {
    let folder = programs.vault.split(separator: "/").dropLast().map { "/\($0)" }.joined()
    let line = "cd '\(directory)' && PATH='\(folder)':$PATH && { \(command) ; } 2>&1 </dev/null"
    let shell = (user == .account ? programs.account : []) + ["sh", "-c", line]
    guard let stream = unsafe popen(shell.map(Self.quoted).joined(separator: " "), "re") else {
      throw DevelopmentError.system(command)
    }
    var output: [UInt8] = []
    while true {
      let byte = unsafe getc(stream)
      if byte == EOF { break }
      output.append(UInt8(truncatingIfNeeded: byte))
    }
    let status = unsafe pclose(stream)
    let lines = String(decoding: output, as: UTF8.self)
      .split(separator: "\n", omittingEmptySubsequences: false)
      .map {
        $0.split(separator: directory, omittingEmptySubsequences: false).joined(separator: "DIR")
      }
    return (CommandLineScript.trimmed(lines), (status >> 8) & 0xFF)
  }

  /// `word` as one word of a shell.
  private static func quoted(_ word: String) -> String {
    "'" + word.replacing("'", with: #"'\''"#) + "'"
  }
}
