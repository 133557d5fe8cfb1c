package import Cryptography

/// The hashes of a tree as files: 256 hashes side by side in each, on every eighth level.
///
/// Takes the leaves' hashes in their order, and gives tiles as they become full.
/// - Source: C2SP tlog-tiles, "Merkle tree".
package struct LogTiles {
  /// One file.
  package struct Tile: Equatable, Sendable {
    /// 0 for the leaves.
    package let level: Int
    /// Which of its level, from 0.
    package let index: UInt64
    /// The hashes, 32 bytes each, 256 of them where the tile is full.
    package let bytes: [UInt8]

    /// The tile's path below the published log.
    package var path: String { path(width: bytes.count / Digest256.byteCount) }

    /// Where it lies while it has so many hashes: `tile/L/x001/x234/067`, and, where it is not full,
    /// `.p/WIDTH` after that.
    package func path(width: Int) -> String {
      var groups: [String] = []
      var rest = index
      repeat {
        let digits = String(rest % 1_000)
        let group = String(repeating: "0", count: 3 - digits.count) + digits
        groups.insert((groups.isEmpty ? "" : "x") + group, at: 0)
        rest /= 1_000
      } while rest > 0
      return "tile/\(level)/" + groups.joined(separator: "/")
        + (width < Int(TreeNode.tileWidth) ? ".p/\(width)" : "")
    }
  }

  /// The tree over the leaves so far.
  package private(set) var frontier = MerkleFrontier()
  /// The hashes of the last tile of each level.
  private var levels: [[UInt8]] = [[]]

  /// Adds a leaf.
  /// - Returns: the tiles that are full with it.
  package mutating func append(_ leaf: Digest256) -> [Tile] {
    levels[0].append(contentsOf: leaf.bytes)
    return frontier.append(leaf).map { node, hash in
      let level = node.level / TreeNode.levelsInTile - 1
      let tile = Tile(level: level, index: node.index, bytes: levels[level])
      levels[level].removeAll(keepingCapacity: true)
      if levels.count == level + 1 { levels.append([]) }
      levels[level + 1].append(contentsOf: hash.bytes)
      return tile
    }
  }

  /// The tiles at the right edge, which are not full.
  package var partial: [Tile] {
    levels.indices.filter { !levels[$0].isEmpty }.map { level in
      Tile(
        level: level, index: frontier.size >> UInt64(TreeNode.levelsInTile * (level + 1)),
        bytes: levels[level])
    }
  }
}
