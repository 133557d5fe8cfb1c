/// Finds the places of digests under a secret key: a table with open addressing.
///
/// Such digests are as good as random, so their own bits say where to look, and nobody can choose some
/// that meet. An entry has half a digest only, since what counts is how much memory is looked at that no
/// cache holds; whoever asks knows the other half. At most half of the table is in use; it grows by
/// doubling.
struct PlaceTable {
  private struct Entry {
    /// The lower half of the digest.
    var tag: UInt32 = 0
    /// Negative where there is nothing.
    var place: Int32 = -1

    var isEmpty: Bool { place < 0 }
  }

  private var entries = Array(repeating: Entry(), count: 16)
  private(set) var count = 0

  private var mask: Int { entries.count - 1 }

  /// The place that was put under `digest`, of those whose lower half is the same the one that `isIt`
  /// says; nil where there is none.
  func find(_ digest: UInt64, _ isIt: (Int32) -> Bool) -> Int32? {
    let tag = UInt32(truncatingIfNeeded: digest)
    var slot = Int(tag) & mask
    while !entries[slot].isEmpty {
      if entries[slot].tag == tag, isIt(entries[slot].place) { return entries[slot].place }
      slot = (slot + 1) & mask
    }
    return nil
  }

  /// Puts a place, which is not negative, under a digest that has none.
  mutating func insert(_ place: Int32, under digest: UInt64) {
    precondition(place >= 0, "a place is a number of a slot")
    if count >= entries.count / 2 { grow() }
    put(Entry(tag: UInt32(truncatingIfNeeded: digest), place: place))
    count += 1
  }

  /// Takes away the place that was put under `digest`.
  mutating func remove(_ place: Int32, under digest: UInt64) {
    var hole = Int(UInt32(truncatingIfNeeded: digest)) & mask
    while entries[hole].place != place {
      precondition(!entries[hole].isEmpty, "a place was put under its digest")
      hole = (hole + 1) & mask
    }
    count -= 1
    // What was put further on because this was taken moves back, so that it is found.
    var next = (hole + 1) & mask
    while !entries[next].isEmpty {
      let home = Int(entries[next].tag) & mask
      if (next &- home) & mask >= (next &- hole) & mask {
        entries[hole] = entries[next]
        hole = next
      }
      next = (next + 1) & mask
    }
    entries[hole] = Entry()
  }

  private mutating func put(_ entry: Entry) {
    var slot = Int(entry.tag) & mask
    while !entries[slot].isEmpty { slot = (slot + 1) & mask }
    entries[slot] = entry
  }

  private mutating func grow() {
    let old = entries
    entries = Array(repeating: Entry(), count: old.count * 2)
    for entry in old where !entry.isEmpty { put(entry) }
  }
}
