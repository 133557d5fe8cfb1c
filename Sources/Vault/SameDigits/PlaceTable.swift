/// Finds the place of a 64-bit digest: a table with open addressing.
///
/// A digest under a secret key is as good as random, so its own bits say where to look, and nobody can
/// choose digests that meet. At most half of the table is in use; it grows by doubling.
struct PlaceTable {
  private static let none: Int32 = -1

  private var keys: [UInt64]
  /// Beside each key; ``none`` where there is no key.
  private var places: [Int32]
  private(set) var count = 0

  init() {
    keys = Array(repeating: 0, count: 16)
    places = Array(repeating: Self.none, count: 16)
  }

  private var mask: Int { keys.count - 1 }

  /// The place that was put under `key`.
  subscript(key: UInt64) -> Int32? {
    let place = places[slot(of: key)]
    return place == Self.none ? nil : place
  }

  /// Puts a place, which is not negative, under `key`, which has none.
  mutating func insert(_ place: Int32, under key: UInt64) {
    if count >= keys.count / 2 { grow() }
    let slot = slot(of: key)
    precondition(places[slot] == Self.none && place >= 0, "a key has one place")
    keys[slot] = key
    places[slot] = place
    count += 1
  }

  /// Takes away what stands under `key`.
  mutating func remove(_ key: UInt64) {
    var hole = slot(of: key)
    guard places[hole] != Self.none else { return }
    count -= 1
    // What was put further on because this was taken moves back, so that it is found.
    var next = (hole + 1) & mask
    while places[next] != Self.none {
      let home = Int(truncatingIfNeeded: keys[next]) & mask
      if (next &- home) & mask >= (next &- hole) & mask {
        keys[hole] = keys[next]
        places[hole] = places[next]
        hole = next
      }
      next = (next + 1) & mask
    }
    places[hole] = Self.none
  }

  /// Where `key` stands, or could.
  private func slot(of key: UInt64) -> Int {
    var slot = Int(truncatingIfNeeded: key) & mask
    while places[slot] != Self.none, keys[slot] != key { slot = (slot + 1) & mask }
    return slot
  }

  private mutating func grow() {
    let (oldKeys, oldPlaces) = (keys, places)
    keys = Array(repeating: 0, count: oldKeys.count * 2)
    places = Array(repeating: Self.none, count: oldKeys.count * 2)
    for (key, place) in zip(oldKeys, oldPlaces) where place != Self.none {
      let slot = slot(of: key)
      keys[slot] = key
      places[slot] = place
    }
  }
}
