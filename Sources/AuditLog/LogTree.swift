internal import Bytes
package import Cryptography
package import Storage

/// The tree over a store's log, from the hashes that the store keeps: those of the leaves in
/// `leaves`, those of every ``TreeNode`` in `checkpoints`. No line is read.
///
/// All functions take leaves that are in the tree of the transaction; where a hash that has to be
/// there is not, they throw ``AuditError/damaged(_:)``.
package enum LogTree {
  /// The root over the first `size` leaves.
  package static func root(
    of size: UInt64, in transaction: borrowing some StoreReading & ~Copyable
  ) throws(AuditError) -> Digest256 {
    try frontier(of: size, in: transaction).root
  }

  /// What the tree was when it had `size` leaves.
  package static func frontier(
    of size: UInt64, in transaction: borrowing some StoreReading & ~Copyable
  ) throws(AuditError) -> MerkleFrontier {
    guard let frontier = MerkleFrontier(size: size, peaks: try peaks(of: 0..<size, in: transaction))
    else { preconditionFailure("a tree has a peak for each bit of its size") }
    return frontier
  }

  /// The hashes that a proof consists of.
  package static func hashes(
    of subtrees: [Range<UInt64>], in transaction: borrowing some StoreReading & ~Copyable
  ) throws(AuditError) -> [Digest256] {
    var hashes: [Digest256] = []
    for subtree in subtrees {
      var peaks = try peaks(of: subtree, in: transaction)
      var hash = peaks.removeLast()
      while let peak = peaks.popLast() { hash = MerkleHash.node(peak, hash) }
      hashes.append(hash)
    }
    return hashes
  }

  /// The hash of a kept node; nil where there is none.
  static func hash(
    of node: TreeNode, in transaction: borrowing some StoreReading & ~Copyable
  ) throws(AuditError) -> Digest256? {
    try onStore(transaction.get(node.key.rawSpan, in: .checkpoints)?.array)
      .flatMap { Digest256($0.rawSpan) }
  }

  /// The perfect subtrees that the leaves of `range` consist of, the largest first. The range begins
  /// at a multiple of the largest.
  private static func peaks(
    of range: Range<UInt64>, in transaction: borrowing some StoreReading & ~Copyable
  ) throws(AuditError) -> [Digest256] {
    var peaks: [Digest256] = []
    var start = range.lowerBound
    while start < range.upperBound {
      let level = 63 - (range.upperBound - start).leadingZeroBitCount
      peaks.append(try perfect(level, at: start >> UInt64(level), in: transaction))
      start += UInt64(1) << UInt64(level)
    }
    return peaks
  }

  /// The hash of the perfect subtree number `index` of a level.
  private static func perfect(
    _ level: Int, at index: UInt64, in transaction: borrowing some StoreReading & ~Copyable
  ) throws(AuditError) -> Digest256 {
    let rest = level % TreeNode.levelsInTile
    let first = index << UInt64(rest)
    let count = UInt64(1) << UInt64(rest)
    var hashes = try row(at: level - rest, from: first, to: first + count, in: transaction)
    while hashes.count > 1 {
      hashes = stride(from: 0, to: hashes.count, by: 2).map {
        MerkleHash.node(hashes[$0], hashes[$0 + 1])
      }
    }
    return hashes[0]
  }

  /// Hashes side by side on a level that is kept.
  private static func row(
    at level: Int, from first: UInt64, to end: UInt64,
    in transaction: borrowing some StoreReading & ~Copyable
  ) throws(AuditError) -> [Digest256] {
    var hashes: [Digest256] = []
    if level == 0 {
      let leaves = try LeafHashes(from: first, to: end, in: transaction)
      for index in first..<end {
        guard let hash = leaves[index] else { throw missing(leaf: index) }
        hashes.append(hash)
      }
      return hashes
    }
    for index in first..<end {
      guard let node = TreeNode(level: level, index: index),
        let hash = try hash(of: node, in: transaction)
      else { throw missing(leaf: index << UInt64(level)) }
      hashes.append(hash)
    }
    return hashes
  }

  private static func missing(leaf: UInt64) -> AuditError {
    .damaged("a hash of the tree is missing, at entry \(leaf) or after it")
  }
}

extension LogTree {
  /// Keeps the nodes of a log that was written before they were kept, once. For a store that nobody
  /// writes to.
  package static func addMissingNodes(to store: Store) throws(AuditError) {
    let size = try AuditReader(store).size()
    guard let last = TreeNode(level: TreeNode.levelsInTile, index: size / TreeNode.tileWidth &- 1),
      size >= TreeNode.tileWidth,
      try store.read({ (transaction) throws(AuditError) in
        try hash(of: last, in: transaction) == nil
      })
    else { return }
    var frontier = MerkleFrontier()
    while frontier.size < size {
      let end = min(size, frontier.size + UInt64(AuditLimits.linesInOneTransaction))
      frontier = try store.write { (transaction) throws(AuditError) in
        var grown = frontier
        let hashes = try row(at: 0, from: frontier.size, to: end, in: transaction)
        for hash in hashes { try onStore(save(grown.append(hash), in: &transaction)) }
        return grown
      }
    }
  }

  /// Keeps the hashes of nodes.
  static func save(
    _ nodes: [(node: TreeNode, hash: Digest256)], in transaction: inout StoreWriteTransaction
  ) throws(StorageError) {
    for (node, hash) in nodes {
      try transaction.put(key: node.key.rawSpan, value: hash.bytes.rawSpan, in: .checkpoints)
    }
  }
}
