internal import Bytes
package import Cryptography

/// The hashes of an RFC 6962 Merkle tree.
package enum MerkleHash {
  /// The hash of a leaf: SHA-256(0x00 ‖ `line`).
  /// - Source: RFC 6962, section 2.1.
  package static func leaf(_ line: RawSpan) -> Digest256 { Digest256.sha256(prefix: 0, line) }

  /// The hash of a node: SHA-256(0x01 ‖ `left` ‖ `right`).
  /// - Source: RFC 6962, section 2.1.
  package static func node(_ left: Digest256, _ right: Digest256) -> Digest256 {
    Digest256.sha256(prefix: 1, left, right)
  }
}

/// All that is needed of a Merkle tree to add leaves and to know its root: its size, and the roots
/// of the perfect subtrees that it consists of, the largest first.
///
/// A tree of n leaves has one such subtree for each bit that is set in n.
/// - Source: RFC 6962, section 2.1.
package struct MerkleFrontier: Equatable, Sendable {
  /// How many leaves the tree has.
  package private(set) var size: UInt64 = 0
  /// The roots of the perfect subtrees, the largest first.
  package private(set) var peaks: [Digest256] = []

  /// The tree without leaves.
  package init() {}

  /// The tree of `size` leaves that consists of the subtrees `peaks`; nil where their number does not
  /// fit.
  package init?(size: UInt64, peaks: [Digest256]) {
    guard peaks.count == size.nonzeroBitCount else { return nil }
    self.size = size
    self.peaks = peaks
  }

  /// Adds the hash of the next leaf.
  ///
  /// - Returns: each ``TreeNode`` that is complete with this leaf, the smallest first.
  @discardableResult
  package mutating func append(_ leaf: Digest256) -> [(node: TreeNode, hash: Digest256)] {
    var completed: [(node: TreeNode, hash: Digest256)] = []
    var hash = leaf
    // Each trailing one bit of the size is a subtree as large as the one that has just grown.
    for level in 0..<(~size).trailingZeroBitCount {
      hash = MerkleHash.node(peaks.removeLast(), hash)
      if let node = TreeNode(level: level + 1, index: size >> UInt64(level + 1)) {
        completed.append((node, hash))
      }
    }
    peaks.append(hash)
    size += 1
    return completed
  }

  /// The tree's root; that of the empty tree is the SHA-256 of nothing.
  package var root: Digest256 {
    guard var root = peaks.last else { return Digest256.sha256([UInt8]().rawSpan) }
    for peak in peaks.dropLast().reversed() { root = MerkleHash.node(peak, root) }
    return root
  }

  /// The first leaf below each peak, in the order of ``peaks``.
  var firstLeaves: [UInt64] {
    var first: UInt64 = 0
    return peaks.indices.map { index in
      defer { first += UInt64(1) << UInt64(63 - (size - first).leadingZeroBitCount) }
      return first
    }
  }
}

extension MerkleFrontier {
  /// What is stored: the size as 8 bytes big-endian, then 32 bytes for each peak, the largest first.
  package var encoded: [UInt8] {
    var bytes = size.bigEndianBytes
    bytes.reserveCapacity(bytes.count + peaks.count * Digest256.byteCount)
    for peak in peaks { peak.withBytes { bytes.append(contentsOf: $0) } }
    return bytes
  }

  /// Reads what ``encoded`` wrote; nil where the number of peaks does not fit the size.
  package init?(encoded: RawSpan) {
    var rest = RowReader(encoded)
    guard let size = rest.number(UInt64.self),
      rest.remaining == size.nonzeroBitCount * Digest256.byteCount
    else { return nil }
    var peaks: [Digest256] = []
    while let peak = rest.digest() { peaks.append(peak) }
    self.init(size: size, peaks: peaks)
  }
}
