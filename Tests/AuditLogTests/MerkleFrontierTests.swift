import AuditLog
import Bytes
import Cryptography
import Testing

@Suite("A Merkle frontier")
struct MerkleFrontierTests {
  private struct Vector {
    let leaves: Int
    let root: String
  }

  private func frontier(_ leaves: Int) -> MerkleFrontier {
    var frontier = MerkleFrontier()
    for index in 0..<leaves {
      let line = Array("entry \(index)".utf8)
      frontier.append(MerkleHash.leaf(line.rawSpan))
    }
    return frontier
  }

  private func vectors() throws -> [Vector] {
    let text = String(decoding: PackageResources.rfc6962_roots_txt, as: UTF8.self)
    var vectors: [Vector] = []
    var leaves: Int?
    for line in text.split(separator: "\n") {
      let parts = line.split(separator: ": ")
      if parts.first == "leaves" { leaves = Int(parts[1]) }
      if parts.first == "root" {
        vectors.append(Vector(leaves: try #require(leaves), root: String(parts[1])))
      }
    }
    return vectors
  }

  @Test("has the roots of RFC 6962")
  func roots() throws {
    let vectors = try vectors()
    #expect(vectors.count == 11)
    for vector in vectors {
      #expect(frontier(vector.leaves).root.hex == vector.root, "\(vector.leaves) leaves")
    }
  }

  @Test("is read back as it was written", arguments: [0, 1, 2, 3, 7, 8, 100])
  func codec(leaves: Int) {
    let frontier = frontier(leaves)
    let bytes = frontier.encoded
    #expect(bytes.count == 8 + 32 * leaves.nonzeroBitCount)
    #expect(MerkleFrontier(encoded: bytes.rawSpan) == frontier)
  }

  @Test("is not read from bytes that are too short or too long")
  func wrongLengths() {
    let bytes = frontier(3).encoded
    for count in 0..<bytes.count {
      #expect(MerkleFrontier(encoded: Array(bytes.prefix(count)).rawSpan) == nil)
    }
    #expect(MerkleFrontier(encoded: (bytes + [0]).rawSpan) == nil)
  }
}
