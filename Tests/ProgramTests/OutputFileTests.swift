import Glibc
import SystemCalls
import TestSupport
import Testing

@testable import cadenas

/// Files that are written whole or not at all, by several at once.
@Suite struct OutputFileTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private var path: String { "\(directory.path)/checkpoint" }

  private func contents() throws -> [UInt8] {
    var bytes: [UInt8] = []
    let rest = try LineFile(path).forEach(longest: 1 << 20) { bytes += $0 }
    return bytes + rest
  }

  @Test func `of several who write at once, one wins whole, and none fails`() async throws {
    let (path, writers, rounds) = (path, 4, 50)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for writer in 0..<writers {
        group.addTask {
          for _ in 0..<rounds {
            let bytes = [UInt8](repeating: UInt8(65 + writer), count: 1_000 * (writer + 1))
            try OutputFile.replace(path, with: bytes)
          }
        }
      }
      try await group.waitForAll()
    }
    let bytes = try contents()
    let writer = Int(try #require(bytes.first)) - 65
    #expect(bytes == [UInt8](repeating: UInt8(65 + writer), count: 1_000 * (writer + 1)))
    #expect(TemporaryDirectory.files(in: directory.path) == ["checkpoint"])
  }

  @Test func `what a crash has left goes with the next one, and what somebody writes stays`() throws
  {
    let left = Drafts.name(for: path, ending: ".draft")
    let held = Drafts.name(for: path, ending: ".draft")
    let other = Drafts.name(for: path + "2", ending: ".draft")
    for name in [left, held, other] { close(unsafe open(name, O_CREAT | O_WRONLY, 0o600)) }
    let descriptor = unsafe open(held, O_WRONLY)
    defer { close(descriptor) }
    Drafts.hold(descriptor)
    try OutputFile.replace(path, with: [65])
    #expect(
      Set(TemporaryDirectory.files(in: directory.path).map { "\(directory.path)/\($0)" })
        == [path, held, other])
    #expect(try contents() == [65])
  }

  @Test func `an error leaves the file before, and no draft`() throws {
    try OutputFile.replace(path, with: [65])
    #expect(throws: CommandFailure.self) {
      try OutputFile.replace(directory.path + "/none/file", with: [66])
    }
    guard unsafe mkdir("\(directory.path)/full", 0o700) == 0 else { return }
    #expect(throws: CommandFailure.self) {
      try OutputFile.replace(directory.path + "/full", with: [66])
    }
    #expect(Set(TemporaryDirectory.files(in: directory.path)) == ["checkpoint", "full"])
    #expect(try contents() == [65])
  }
}
