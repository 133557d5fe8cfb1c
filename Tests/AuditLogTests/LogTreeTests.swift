import Bytes
import Cryptography
import Storage
import TestSupport
import Testing

@testable import AuditLog

@Suite("The tree that the store keeps")
struct LogTreeTests {
  @Test("gives the root at every size that it had, and proofs over three levels of tiles")
  func roots() throws {
    let temporary = try TemporaryStore()
    let log = try AuditLog(restoringFrom: temporary.store)
    var roots: [UInt64: Digest256] = [:]
    for count in [1, 254, 1, 1, 255, 3_000, 62_000, 23, 1, 1, 700] {
      try temporary.append(count, to: log)
      roots[log.pendingSize] = log.pendingRoot
    }
    let size = log.pendingSize
    let root = log.pendingRoot
    try temporary.store.read { transaction in
      for (size, root) in roots {
        #expect(try LogTree.root(of: size, in: transaction) == root, "\(size)")
        #expect(try LogTree.frontier(of: size, in: transaction).size == size)
      }
      for index: UInt64 in [0, 255, 256, 65_535, 65_536, size - 1] {
        let key = index.bigEndianBytes
        guard let line = try transaction.get(key.rawSpan, in: .audit) else {
          throw AuditError.damaged("no entry \(index)")
        }
        let hashes = try LogTree.hashes(
          of: MerkleProof.inclusion(of: index, in: size), in: transaction)
        let leaf = MerkleHash.leaf(line)
        #expect(MerkleProof.root(of: leaf, at: index, in: size, by: hashes) == root)
      }
      for (old, oldRoot) in roots {
        let hashes = try LogTree.hashes(
          of: MerkleProof.consistency(from: old, to: size), in: transaction)
        #expect(MerkleProof.isConsistent(from: old, oldRoot, to: size, root, by: hashes))
      }
    }
    #expect(try AuditVerifier.verify(temporary.store).root == root)
  }

  @Test("is completed in a store that was written before nodes were kept")
  func missingNodes() throws {
    let temporary = try TemporaryStore()
    let log = try AuditLog(restoringFrom: temporary.store)
    for _ in 0..<10 { try temporary.append(999, to: log) }
    let nodes = try temporary.store.read { try $0.count(of: .checkpoints) }
    #expect(nodes == 9_990 / 256)
    try temporary.store.write { (transaction) throws(StorageError) in
      var keys: [[UInt8]] = []
      try transaction.forEach(in: .checkpoints) { (key, _) throws(StorageError) in
        keys.append(key.array)
        return true
      }
      for key in keys { try transaction.delete(key.rawSpan, in: .checkpoints) }
    }
    #expect(try AuditVerifier.verify(temporary.store).finding?.reason == .nodeMismatch)
    try LogTree.addMissingNodes(to: temporary.store)
    #expect(try AuditVerifier.verify(temporary.store).root == log.pendingRoot)
    #expect(try temporary.store.read { try $0.count(of: .checkpoints) } == nodes)
  }

  @Test("tells where a hash is missing")
  func damaged() throws {
    let temporary = try TemporaryStore()
    let log = try AuditLog(restoringFrom: temporary.store)
    try temporary.append(300, to: log)
    try temporary.delete(UInt64(0).bigEndianBytes, in: .leaves)
    #expect(throws: AuditError.damaged("a hash of the tree is missing, at entry 256 or after it")) {
      try temporary.store.read { (transaction) throws(AuditError) in
        try LogTree.root(of: 300, in: transaction)
      }
    }
  }

  @Test("comes as tiles of C2SP, full ones as they fill and the others at the end")
  func tiles() throws {
    var tiles = LogTiles()
    var full: [LogTiles.Tile] = []
    for number in 0..<66_000 {
      let line = Array("\(number)".utf8)
      full += tiles.append(MerkleHash.leaf(line.rawSpan))
    }
    #expect(full.count == 257 + 1)
    #expect(full.first?.path == "tile/0/000")
    #expect(full.filter { $0.level == 1 }.map(\.path) == ["tile/1/000"])
    #expect(
      tiles.partial.map(\.path) == ["tile/0/257.p/208", "tile/1/001.p/1", "tile/2/000.p/1"])
    let large = LogTiles.Tile(level: 3, index: 1_234_067, bytes: [])
    #expect(large.path(width: 256) == "tile/3/x001/x234/067")
    #expect(large.path(width: 7) == "tile/3/x001/x234/067.p/7")
  }
}
