import Storage
import TestSupport
import Testing

/// A disk that ends, whether its file system can allocate blocks or not: what is written beyond its end is
/// cut short, which LMDB takes for a failure of the disk.
@Suite struct FullDiskTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  /// Numbers of jobs by how they ended.
  private func counts(_ line: String) -> [String: Int] {
    var counts: [String: Int] = [:]
    for part in line.split(separator: ",") {
      let words = part.split(separator: " ")
      counts[words.dropLast().joined(separator: " ")] = words.last.flatMap { Int($0) }
    }
    return counts
  }

  @Test(arguments: [["fault:no-allocation"], []])
  func `a full disk refuses, keeps the reserve, and is forgotten`(before: [String]) throws {
    let result = try FaultyProcess(directory).run(
      before + [
        "fault:disk-end", "large:4000", "large:10", "reserved:100", "large-reserved:4000",
        "reserved:1", "clear:disk-end", "large:10", "stop",
      ])
    #expect(result.status == 0)
    #expect(!result.lines.contains { $0.contains("writingEnded") || $0.contains("onEnd") })
    try #require(result.lines.count == 6)
    let (filling, full) = (counts(result.lines[0]), counts(result.lines[1]))
    // Half of the disk is the reserve, as a quarter of the map.
    #expect(try (500...2_100).contains(#require(filling["stored"])))
    #expect(filling["full"] == 4_000 - (filling["stored"] ?? 0))
    #expect(full == ["full": 10])
    #expect(counts(result.lines[2]) == ["stored": 100])
    // Where the reserve is used up too, that is all that happens.
    let reserved = counts(result.lines[3])
    #expect(try #require(reserved["stored"]) > 500)
    #expect(reserved["full"] == 4_000 - (reserved["stored"] ?? 0))
    #expect(counts(result.lines[5]) == ["stored": 10])
    let store = try Store.open(at: directory.store, mapSize: 8 << 20)
    let stored = result.lines.compactMap { counts($0)["stored"] }.reduce(0, +)
    #expect(try store.count() == stored)
  }
}
