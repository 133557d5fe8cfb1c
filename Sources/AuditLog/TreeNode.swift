import Bytes

/// A perfect subtree of 256, 256², … leaves, whose hash is kept, so that no question to the tree costs
/// more than a few hundred hashes.
///
/// They are the roots of C2SP tiles. Rows of the table `checkpoints`: level (1 byte) ‖ index (8 bytes,
/// big-endian) → 32 bytes. No key of a checkpoint begins with a byte above 0.
/// - Source: C2SP tlog-tiles, "Merkle tree".
package struct TreeNode: Hashable, Sendable {
  /// Levels of the tree in one tile.
  package static let levelsInTile = 8
  /// Hashes side by side in one tile.
  package static let tileWidth: UInt64 = 1 << UInt64(levelsInTile)

  /// How many levels it stands above the leaves: 8, 16, …, 56.
  package let level: Int
  /// Which of its level, from 0.
  package let index: UInt64

  /// - Returns: nil for a level whose hashes are not kept.
  package init?(level: Int, index: UInt64) {
    guard level > 0, level < 64, level.isMultiple(of: Self.levelsInTile) else { return nil }
    self.level = level
    self.index = index
  }

  /// The first leaf below it.
  package var firstLeaf: UInt64 { index << UInt64(level) }

  /// The key of its row.
  var key: [UInt8] { [UInt8(level)] + index.bigEndianBytes }
}
