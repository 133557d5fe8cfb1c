import TestSupport
import Testing

@testable import cadenas_dev

/// Files of an installation that are written at once.
@Suite struct DevFilesTests {
  @Test func ofSeveralWhoWriteAtOnceOneWinsWholeAndNoneFails() async throws {
    let directory = try TemporaryDirectory()
    let path = "\(directory.path)/file"
    try await withThrowingTaskGroup(of: Void.self) { group in
      for writer in 0..<4 {
        group.addTask {
          for _ in 0..<50 {
            let bytes = [UInt8](repeating: UInt8(65 + writer), count: 1_000 * (writer + 1))
            try DevelopmentFiles.write(bytes, to: path)
          }
        }
      }
      try await group.waitForAll()
    }
    let bytes = try DevelopmentFiles.read(path)
    #expect(bytes.count == 1_000 * (Int(try #require(bytes.first)) - 64))
    #expect(Set(bytes).count == 1)
    #expect(TemporaryDirectory.files(in: directory.path) == ["file"])
  }
}
