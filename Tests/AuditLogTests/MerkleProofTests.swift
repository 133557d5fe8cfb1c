import AuditLog
import Bytes
import Cryptography
import Testing

@Suite("Merkle proofs")
struct MerkleProofTests {
  private static let leaves = (0..<70).map { number in
    let line = Array("leaf \(number)".utf8)
    return MerkleHash.leaf(line.rawSpan)
  }

  /// The tree hash as RFC 6962 defines it, by recursion.
  private static func hash(_ range: Range<UInt64>) -> Digest256 {
    if range.count == 1 { return leaves[Int(range.lowerBound)] }
    var width: UInt64 = 1
    while width * 2 < UInt64(range.count) { width *= 2 }
    let middle = range.lowerBound + width
    return MerkleHash.node(hash(range.lowerBound..<middle), hash(middle..<range.upperBound))
  }

  @Test("show every leaf of every tree, and no other leaf, place or size")
  func inclusion() {
    for size in UInt64(1)...70 {
      let root = Self.hash(0..<size)
      for index in 0..<size {
        let proof = MerkleProof.inclusion(of: index, in: size).map(Self.hash)
        let leaf = Self.leaves[Int(index)]
        #expect(MerkleProof.root(of: leaf, at: index, in: size, by: proof) == root)
        #expect(MerkleProof.root(of: .zero, at: index, in: size, by: proof) != root)
        if size > 1 {
          let other = (index + 1) % size
          #expect(MerkleProof.root(of: leaf, at: other, in: size, by: proof) != root)
          #expect(
            MerkleProof.root(of: leaf, at: index, in: size, by: Array(proof.dropLast())) == nil)
        }
        #expect(MerkleProof.root(of: leaf, at: index, in: size, by: proof + [.zero]) == nil)
        #expect(MerkleProof.root(of: leaf, at: size, in: size, by: proof) == nil)
      }
    }
  }

  @Test("show that a tree begins with every smaller one, and with nothing else")
  func consistency() {
    for size in UInt64(1)...70 {
      let root = Self.hash(0..<size)
      for old in 1...size {
        let oldRoot = Self.hash(0..<old)
        let proof = MerkleProof.consistency(from: old, to: size).map(Self.hash)
        #expect(MerkleProof.isConsistent(from: old, oldRoot, to: size, root, by: proof))
        #expect(!MerkleProof.isConsistent(from: old, .zero, to: size, root, by: proof))
        #expect(!MerkleProof.isConsistent(from: old, oldRoot, to: size, .zero, by: proof))
        #expect(!MerkleProof.isConsistent(from: old, oldRoot, to: size, root, by: proof + [.zero]))
        for index in proof.indices {
          var changed = proof
          changed[index] = .zero
          #expect(!MerkleProof.isConsistent(from: old, oldRoot, to: size, root, by: changed))
        }
        #expect(
          proof.isEmpty
            || !MerkleProof.isConsistent(
              from: old, oldRoot, to: size, root, by: Array(proof.dropLast()))
        )
      }
      #expect(!MerkleProof.isConsistent(from: 0, .zero, to: size, root, by: []))
    }
  }
}
