package import Cryptography

/// Proofs about a Merkle tree: which subtrees' hashes they consist of, and what follows from them.
///
/// - Source: RFC 6962, section 2.1; the verification is that of RFC 9162, sections 2.1.3.2 and 2.1.4.2.
package enum MerkleProof {
  /// The longest proof: one hash for each level, and one more.
  package static let mostHashes = 65

  /// The subtrees, by their leaves, whose hashes prove that leaf `index` is in the tree of `size`
  /// leaves; from the leaf up. `index` is below `size`.
  package static func inclusion(of index: UInt64, in size: UInt64) -> [Range<UInt64>] {
    var subtrees: [Range<UInt64>] = []
    var tree = 0..<size
    while tree.count > 1 {
      let (left, right) = halves(of: tree)
      if left.contains(index) {
        subtrees.append(right)
        tree = left
      } else {
        subtrees.append(left)
        tree = right
      }
    }
    return subtrees.reversed()
  }

  /// The subtrees, by their leaves, whose hashes prove that the tree of `size` leaves begins with the
  /// tree of `old` leaves, `old` being from 1 to `size`.
  package static func consistency(from old: UInt64, to size: UInt64) -> [Range<UInt64>] {
    var subtrees: [Range<UInt64>] = []
    var tree = 0..<size
    while tree.upperBound != old {
      let (left, right) = halves(of: tree)
      if old <= left.upperBound {
        subtrees.append(right)
        tree = left
      } else {
        subtrees.append(left)
        tree = right
      }
    }
    // The old tree itself is known to whoever verifies.
    if tree.lowerBound > 0 { subtrees.append(tree) }
    return subtrees.reversed()
  }

  /// Where a tree of more than one leaf divides: after the largest power of two below its size.
  private static func halves(of tree: Range<UInt64>) -> (Range<UInt64>, Range<UInt64>) {
    let last = tree.upperBound - tree.lowerBound - 1
    let width = UInt64(1) << UInt64(63 - last.leadingZeroBitCount)
    let middle = tree.lowerBound + width
    return (tree.lowerBound..<middle, middle..<tree.upperBound)
  }

  /// The root of the tree of `size` leaves in which leaf `index` has the hash `leaf`, by the proof
  /// `hashes`; nil where the proof does not have the shape that index and size ask for.
  package static func root(
    of leaf: Digest256, at index: UInt64, in size: UInt64, by hashes: [Digest256]
  ) -> Digest256? {
    guard index < size else { return nil }
    var node = index
    var last = size - 1
    var root = leaf
    for hash in hashes {
      guard last > 0 else { return nil }
      if node & 1 == 1 || node == last {
        root = MerkleHash.node(hash, root)
        climb(&node, &last)
      } else {
        root = MerkleHash.node(root, hash)
      }
      node >>= 1
      last >>= 1
    }
    return last == 0 ? root : nil
  }

  /// Whether `hashes` prove that the tree of `size` leaves with `root` begins with the tree of
  /// `oldSize` leaves with `oldRoot`.
  package static func isConsistent(
    from oldSize: UInt64, _ oldRoot: Digest256, to size: UInt64, _ root: Digest256,
    by hashes: [Digest256]
  ) -> Bool {
    guard oldSize > 0, oldSize <= size else { return false }
    if oldSize == size { return hashes.isEmpty && oldRoot == root }
    // Where the old tree is a subtree, its root is the first hash, and is left out.
    let isSubtree = oldSize.nonzeroBitCount == 1
    guard let first = isSubtree ? oldRoot : hashes.first else { return false }
    var node = oldSize - 1
    var last = size - 1
    while node & 1 == 1 {
      node >>= 1
      last >>= 1
    }
    var old = first
    var new = first
    for hash in isSubtree ? hashes[...] : hashes.dropFirst() {
      guard last > 0 else { return false }
      if node & 1 == 1 || node == last {
        old = MerkleHash.node(hash, old)
        new = MerkleHash.node(hash, new)
        climb(&node, &last)
      } else {
        new = MerkleHash.node(new, hash)
      }
      node >>= 1
      last >>= 1
    }
    return last == 0 && old == oldRoot && new == root
  }

  /// Passes over the levels on which a node at the right edge has no sibling.
  private static func climb(_ node: inout UInt64, _ last: inout UInt64) {
    while node & 1 == 0, node != 0 {
      node >>= 1
      last >>= 1
    }
  }
}
