import LMDB
import Synchronization

/// Of which tables every entry has been read since the store was opened and opens under its key, so that
/// what is not found in them is not there.
///
/// The engine keeps no checksums: a key in which a bit has flipped still stands between its neighbours,
/// and nothing is found under the key that it was. Whoever misses an entry in another table asks the
/// neighbours first.
final class ContentProofs: Sendable {
  private let proven = Atomic<UInt32>(0)

  func isProven(_ table: Table) -> Bool {
    proven.load(ordering: .relaxed) >> UInt32(table.index) & 1 == 1
  }

  func set(_ table: Table, isProven: Bool) {
    let bit: UInt32 = 1 << UInt32(table.index)
    if isProven {
      proven.bitwiseOr(bit, ordering: .relaxed)
    } else {
      proven.bitwiseAnd(~bit, ordering: .relaxed)
    }
  }
}

extension Store {
  /// Whether both files were so small that all pages were read when they were opened, so that their
  /// entries can be too.
  package var isSmall: Bool { generations.value.environment.wasReadWhole && !isIndexLarge }

  private var isIndexLarge: Bool { optionalIndex.map { !$0.wasReadWhole } ?? false }

  /// Notes whether every entry of `table` has been read and opens under its key.
  package func set(_ table: Table, isProven: Bool) {
    generations.value.proofs.set(table, isProven: isProven)
  }
}

extension StoreWriteTransaction {
  /// Whether what is not found in `table` is not there. Otherwise the neighbours are to be asked.
  package func isProven(_ table: Table) -> Bool { proofs.isProven(table) }
}
