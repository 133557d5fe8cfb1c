/// How many different numbers were new within the last sixty minutes, for each pair of first and last
/// digits.
///
/// A pair and a number are keyed digests, see ``SameDigits``. At the bound of pairs, the one with the
/// lowest count is forgotten, of these the one that has waited longest. A call looks at one pair, and at
/// what has to give way to it; what is over is removed once, and room grows by doubling. A pure value;
/// time is given in seconds of a clock that never goes backwards.
struct DigitCounts {
  /// How long a number counts, in seconds.
  static let windowSeconds: UInt32 = 3_600

  /// One number that was new.
  private struct Hit {
    let number: UInt32
    let second: UInt32

    func isOver(at now: UInt32) -> Bool { now >= second &+ DigitCounts.windowSeconds }
  }

  /// A pair, and its place in the list of those with the same count.
  private struct Slot {
    var pair: UInt64
    var oldest: Hit
    /// The others in the order of time; most pairs have none.
    var later: [Hit] = []
    var previous = none
    var next = none

    var count: Int { 1 + later.count }
    var newest: Hit { later.last ?? oldest }
  }

  /// Pairs with the same count, the longest without a new number first.
  private struct List {
    var first = none
    var last = none
  }

  private static let none: Int32 = -1

  /// How many numbers a pair may have.
  let most: Int
  /// How many pairs are counted.
  let mostPairs: Int
  /// How many pairs were forgotten at the bound.
  private(set) var forgotten: UInt64 = 0

  private var places = PlaceTable()
  private var slots: [Slot] = []
  private var vacant: [Int32] = []
  /// By count; the first, for none, stays empty.
  private var lists: [List]

  /// Counts up to `most` numbers of each of `mostPairs` pairs, both at least 1.
  init(most: Int, mostPairs: Int) {
    precondition(most > 0 && mostPairs > 0, "a count needs room")
    self.most = most
    self.mostPairs = mostPairs
    lists = Array(repeating: List(), count: most + 1)
  }

  /// How many pairs are counted now.
  var pairs: Int { places.count }

  /// In how many seconds the pair has room for a number again, at least 1; nil where it has some now.
  mutating func wait(for pair: UInt64, at now: UInt32) -> Int? {
    guard let place = place(of: pair), endOld(place, at: now),
      slots[Int(place)].count >= most
    else { return nil }
    return Int(slots[Int(place)].oldest.second &+ Self.windowSeconds &- now)
  }

  /// Whether a pair is counted, or was until a moment ago.
  func knows(_ pair: UInt64) -> Bool { place(of: pair) != nil }

  /// Counts a number that was new, and says how many its pair has now; 0 where it is counted already,
  /// and not counted twice.
  @discardableResult
  mutating func note(_ number: UInt32, for pair: UInt64, at now: UInt32) -> Int {
    let hit = Hit(number: number, second: now)
    guard let place = place(of: pair), endOld(place, at: now) else {
      add(pair, hit)
      return 1
    }
    let index = Int(place)
    let isKnown =
      slots[index].oldest.number == number
      || slots[index].later.contains { $0.number == number }
    guard !isKnown else { return 0 }
    unlink(place)
    // Only where the bound was higher when the numbers were counted.
    if slots[index].count >= most { dropOldest(index) }
    if most > 1 { slots[index].later.append(hit) } else { slots[index].oldest = hit }
    link(place)
    return slots[index].count
  }

  /// Removes pairs whose numbers all have had their time. Call it now and then.
  mutating func endOld(at now: UInt32) {
    for count in 1...most {
      while lists[count].first != Self.none,
        slots[Int(lists[count].first)].newest.isOver(at: now)
      {
        remove(lists[count].first)
      }
    }
  }

  private func place(of pair: UInt64) -> Int32? {
    places.find(pair) { slots[Int($0)].pair == pair }
  }

  /// Ends what is over of one pair; false where nothing is left of it.
  private mutating func endOld(_ place: Int32, at now: UInt32) -> Bool {
    let index = Int(place)
    guard slots[index].oldest.isOver(at: now) else { return true }
    guard !slots[index].newest.isOver(at: now) else {
      remove(place)
      return false
    }
    unlink(place)
    while slots[index].oldest.isOver(at: now) { dropOldest(index) }
    link(place)
    return true
  }

  private mutating func dropOldest(_ index: Int) {
    guard let next = slots[index].later.first else { return }
    slots[index].oldest = next
    slots[index].later.removeFirst()
  }

  private mutating func add(_ pair: UInt64, _ hit: Hit) {
    if places.count >= mostPairs, let lowest = lists.first(where: { $0.first != Self.none }) {
      remove(lowest.first)
      forgotten += 1
    }
    let slot = Slot(pair: pair, oldest: hit)
    let place: Int32
    if let free = vacant.popLast() {
      place = free
      slots[Int(free)] = slot
    } else {
      place = Int32(slots.count)
      slots.append(slot)
    }
    places.insert(place, under: pair)
    link(place)
  }

  private mutating func remove(_ place: Int32) {
    unlink(place)
    places.remove(place, under: slots[Int(place)].pair)
    slots[Int(place)].later = []
    vacant.append(place)
  }

  // MARK: - Lists

  private mutating func link(_ place: Int32) {
    let count = slots[Int(place)].count
    let last = lists[count].last
    slots[Int(place)].previous = last
    slots[Int(place)].next = Self.none
    if last == Self.none { lists[count].first = place } else { slots[Int(last)].next = place }
    lists[count].last = place
  }

  private mutating func unlink(_ place: Int32) {
    let slot = slots[Int(place)]
    let count = slot.count
    if slot.previous == Self.none {
      lists[count].first = slot.next
    } else {
      slots[Int(slot.previous)].next = slot.next
    }
    if slot.next == Self.none {
      lists[count].last = slot.previous
    } else {
      slots[Int(slot.next)].previous = slot.previous
    }
  }
}
