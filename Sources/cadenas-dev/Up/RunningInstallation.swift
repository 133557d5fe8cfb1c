import Glibc
import NIOHTTP1

/// An installation that another `cadenas-dev up` runs, as its one line of JSON tells of it.
final class RunningInstallation {
  /// Whether it may outlive the thread that starts it.
  enum Life {
    /// It is told to stop when that thread is gone: for a program's main thread.
    case bound
    /// It runs until ``stop()``: for threads that come and go.
    case free
  }

  let directory: String
  let vault: Endpoint
  let acquirer: Endpoint
  /// What the line of JSON says.
  let members: JSONMembers
  let programs: Programs
  /// `cadenas-dev up` itself.
  let supervisor: ChildProcess

  /// Starts vault and acquirer in `directory`, with page and shop where it `hasPage`, and waits until they
  /// answer.
  /// - Throws: ``DevelopmentError/childFailed(name:reason:log:)`` with what was said instead.
  init(
    directory: String, programs: Programs, life: Life, hasPage: Bool = false
  ) throws(DevelopmentError) {
    let up =
      [programs.development, "up", "--directory", directory] + (hasPage ? ["--shop"] : [])
    let command = programs.account + (life == .bound ? ChildProcess.bound(up, by: "TERM") : up)
    let (child, output) = try ChildProcess.spawn(command, name: "up")
    defer { close(output) }
    let line = Self.readLine(output)
    guard line.hasPrefix("{") else {
      _ = child.wait()
      throw .childFailed(name: "cadenas-dev up", reason: "did not start", log: line)
    }
    let members = try JSONMembers(Array(line.utf8))
    vault = try Endpoint(members["vault"] ?? "")
    acquirer = try Endpoint(members["acquirer"] ?? "")
    self.members = members
    self.programs = programs
    self.directory = directory
    supervisor = child
  }

  /// A client of the vault with the pair `name`.
  func client(_ name: String) throws(DevelopmentError) -> HTTPSClient {
    try HTTPSClient(
      to: vault, as: name, of: TLSMaterial(directory: "\(directory)/pki"), trusting: "ca")
  }

  /// How many payment messages the acquirer has received, and which.
  func received() throws(DevelopmentError) -> (count: Int, identifiers: [String]) {
    let client = try HTTPSClient(
      to: acquirer, as: "acquirer", of: TLSMaterial(directory: "\(directory)/pki"),
      trusting: "acquirer-ca")
    let members = try JSONMembers(try client.send(.GET, "/received").body)
    return (Int(members["count"] ?? "") ?? -1, members.list("payment_ids"))
  }

  /// Runs `cadenas` against the installation and returns what it printed.
  func cadenas(_ arguments: String...) throws(DevelopmentError) -> String {
    try ChildProcess.run(
      programs.vaultCommand(arguments + ["--config", "\(directory)/cadenas.yaml"]))
  }

  /// Asks it to stop and waits for that; the directory stays.
  /// - Returns: how it ended.
  @discardableResult
  func stop() -> ExitStatus {
    supervisor.send(SIGTERM)
    return supervisor.wait()
  }

  /// What comes first: a line, or all there is.
  private static func readLine(_ descriptor: Int32) -> String {
    var line: [UInt8] = []
    var byte: UInt8 = 0
    while unsafe read(descriptor, &byte, 1) == 1 {
      if byte == UInt8(ascii: "\n") && line.first == UInt8(ascii: "{") { break }
      line.append(byte)
    }
    return String(decoding: line, as: UTF8.self)
  }
}
