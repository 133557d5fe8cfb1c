import Glibc
import NIOHTTP1

/// Where the story plays: an installation of its own, run by `cadenas-dev up` as anybody would.
final class DemoStage {
  let directory: String
  let vault: Endpoint
  let acquirer: Endpoint
  let programs: Programs
  private let supervisor: ChildProcess
  private var isOpen = true

  /// Starts vault and acquirer in a new directory and waits until both answer.
  init() throws(DevelopmentError) {
    let programs = try Programs.beside()
    let directory = try Files.makeTemporaryDirectory(prefix: "cadenas-demo")
    var ends: [Int32] = [0, 0]
    guard unsafe pipe(&ends) == 0 else {
      throw .file(path: "pipe", reason: Files.systemReason())
    }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    let child = try ChildProcess.spawn(
      ChildProcess.bound([programs.development, "up", "--directory", directory], by: "TERM"),
      name: "up", output: ends[1])
    close(ends[1])
    defer { close(ends[0]) }
    let line = Self.readLine(ends[0])
    guard line.hasPrefix("{") else {
      _ = child.wait()
      throw .childFailed(name: "cadenas-dev up", reason: "did not start", log: line)
    }
    let members = try JSONMembers(Array(line.utf8))
    vault = try Endpoint(members["vault"] ?? "")
    acquirer = try Endpoint(members["acquirer"] ?? "")
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
      [programs.vault] + arguments + ["--config", "\(directory)/cadenas.yaml"])
  }

  /// Stops both; the directory stays.
  func stop() throws(DevelopmentError) {
    guard isOpen else { return }
    isOpen = false
    supervisor.send(SIGTERM)
    let status = supervisor.wait()
    guard status == .exited(0) else {
      throw .unexpected("cadenas-dev up ended with \(status)")
    }
  }

  /// Stops both whatever happened, and removes the directory.
  func strike() {
    try? stop()
    _ = try? ChildProcess.run(["rm", "-rf", directory])
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
