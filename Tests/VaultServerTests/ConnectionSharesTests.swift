import AccessPolicy
import NIOCore
import TestSupport
import Testing

@testable import VaultServer

@Suite("Shares of connections")
struct ConnectionSharesTests {
  typealias Shares = ConnectionShares<Int>

  private static func limits(
    total: Int = 100, handshakes: Int = 16, byClient: Int = 100, byPrincipal: Int = 100
  ) -> ConnectionLimits {
    ConnectionLimits(
      total: total, handshakes: handshakes, byClient: byClient, byPrincipal: byPrincipal)
  }

  private static func owner(_ merchant: String, _ client: String = "client") throws
    -> ConnectionOwner
  {
    try #require(
      ConnectionOwner(
        .client(actor: client, .merchant(makeMerchant(merchant, 1, client, shopAuthority)))))
  }

  private static let acquirer = ConnectionOwner(
    .client(actor: acquirerURI, .acquirer(testAcquirer)))

  /// Shares in which each connection's handle is its number, from 0 on.
  private struct Book {
    var shares: Shares
    var places: [Shares.Place] = []
    /// The handles that had to make room, in that order.
    var displaced: [Int] = []
    var refused = 0
    private var next = 0

    init(_ limits: ConnectionLimits) { shares = Shares(limits) }

    @discardableResult
    mutating func admit(from address: PeerAddress) -> Int {
      defer { next += 1 }
      switch shares.admit(next, from: address) {
      case .admitted(let place, let old):
        places.append(place)
        if let old { displaced.append(old.handle) }
      case .refused:
        places.append(0)
        refused += 1
      }
      return next
    }

    /// What became of it, in a word.
    @discardableResult
    mutating func settle(_ handle: Int, as owner: ConnectionOwner?) -> String {
      switch shares.settle(&places[handle], as: owner) {
      case .settled(let old):
        if let old { displaced.append(old.handle) }
        return "settled"
      case .overClientShare: return "client"
      case .overPrincipalShare: return "principal"
      case .gone: return "gone"
      }
    }

    mutating func leave(_ handle: Int) { shares.leave(places[handle]) }
  }

  private let home = PeerAddress.v4(1)
  private let stranger = PeerAddress.v4(2)

  @Test func `an address alone may have every handshake, and then its oldest goes`() {
    var book = Book(Self.limits(handshakes: 8))
    for _ in 0..<8 { book.admit(from: stranger) }
    #expect(book.displaced == [])
    for _ in 0..<3 { book.admit(from: stranger) }
    #expect(book.displaced == [0, 1, 2])
    #expect(book.shares.handshakeCount == 8)
  }

  @Test func `while others wait, an address has a quarter, and its own oldest goes`() {
    var book = Book(Self.limits(handshakes: 8))
    let patient = book.admit(from: home)
    for _ in 0..<1_000 { book.admit(from: stranger) }
    #expect(book.shares.handshakeCount == 3)
    #expect(!book.displaced.contains(patient))
    #expect(book.displaced == Array(1...998))
    #expect(book.settle(patient, as: try? Self.owner("shop")) == "settled")
  }

  @Test func `who comes to an address that has all of them takes the place of its oldest`() {
    var book = Book(Self.limits(handshakes: 8))
    for _ in 0..<8 { book.admit(from: stranger) }
    let newcomer = book.admit(from: home)
    #expect(book.displaced == [0])
    for _ in 0..<100 { book.admit(from: stranger) }
    #expect(!book.displaced.contains(newcomer))
    #expect(book.shares.handshakeCount == 8)
  }

  @Test func `many addresses together push out the oldest of all`() {
    var book = Book(Self.limits(handshakes: 8))
    for number in 0..<20 { book.admit(from: .v4(UInt32(number))) }
    #expect(book.displaced == Array(0..<12))
  }

  @Test func `a known client counts for no address`() throws {
    var book = Book(Self.limits(handshakes: 8))
    let owner = try Self.owner("shop")
    for _ in 0..<50 { book.settle(book.admit(from: home), as: owner) }
    #expect(book.displaced == [])
    #expect(book.shares.handshakeCount == 0)
    #expect(book.shares.count(ofClient: owner) == 50)
  }

  @Test func `past a client's share the newest is closed, and another client is not`() throws {
    var book = Book(Self.limits(byClient: 3))
    let greedy = try Self.owner("shop", "greedy")
    for _ in 0..<3 { #expect(book.settle(book.admit(from: home), as: greedy) == "settled") }
    #expect(book.settle(book.admit(from: home), as: greedy) == "client")
    #expect(book.shares.count == 3, "the one that was closed has no place")
    let other = try Self.owner("shop", "other")
    #expect(book.settle(book.admit(from: home), as: other) == "settled")
    book.leave(0)
    #expect(book.settle(book.admit(from: home), as: greedy) == "settled")
  }

  @Test func `a merchant's share is for all its clients, an acquirer has one of its own`() throws {
    var book = Book(Self.limits(byClient: 2, byPrincipal: 3))
    let first = try Self.owner("credit-du-nord", "first")
    let second = try Self.owner("credit-du-nord", "second")
    for owner in [first, first, second] { book.settle(book.admit(from: home), as: owner) }
    #expect(book.settle(book.admit(from: home), as: second) == "principal")
    #expect(book.shares.count(of: first.principal) == 3)
    // The acquirer of that name is somebody else.
    #expect(book.settle(book.admit(from: home), as: Self.acquirer) == "settled")
  }

  @Test func `where every place is taken, a newcomer takes a handshake's, or has none`() throws {
    var book = Book(Self.limits(total: 4, handshakes: 16))
    let owner = try Self.owner("shop")
    for _ in 0..<3 { book.settle(book.admit(from: home), as: owner) }
    let waiting = book.admit(from: stranger)
    let newcomer = book.admit(from: home)
    #expect(book.displaced == [waiting])
    #expect(book.settle(newcomer, as: owner) == "settled")
    book.admit(from: home)
    #expect(book.refused == 1)
    #expect(book.shares.count == 4)
    book.leave(0)
    book.admit(from: home)
    #expect(book.refused == 1)
  }

  @Test func `what was displaced is known to be gone, and leaves once`() throws {
    var book = Book(Self.limits(handshakes: 1))
    let first = book.admit(from: home)
    let second = book.admit(from: home)
    #expect(book.displaced == [first])
    #expect(book.settle(first, as: try Self.owner("shop")) == "gone")
    book.leave(first)
    #expect(book.shares.count == 1)
    book.leave(second)
    book.leave(second)
    #expect(book.shares.count == 0)
  }

  @Test func `a change of policy moves a connection to its new merchant, or to its address`() throws
  {
    var book = Book(Self.limits(handshakes: 4, byPrincipal: 2))
    let before = try Self.owner("shop")
    let after = try Self.owner("other-shop")
    let handles = (0..<2).map { _ in book.admit(from: home) }
    for handle in handles { book.settle(handle, as: before) }
    #expect(book.settle(handles[0], as: after) == "settled")
    #expect(book.shares.count(of: before.principal) == 1)
    #expect(book.shares.count(of: after.principal) == 1)
    // Taken out of the policy: it stays, as one of its address that may have to make room.
    #expect(book.settle(handles[0], as: nil) == "settled")
    #expect(book.shares.count(of: after.principal) == 0)
    #expect(book.shares.handshakeCount == 1)
    for _ in 0..<4 { book.admit(from: home) }
    #expect(book.displaced == [handles[0]])
    // And one too many for where it has been moved to is closed.
    for _ in 0..<2 { book.settle(book.admit(from: home), as: after) }
    #expect(book.settle(handles[1], as: after) == "principal")
    #expect(book.shares.count(of: before.principal) == 0)
  }

  @Test func `a limit of one, and shares above the totals, keep what they say`() throws {
    var one = Book(Self.limits(total: 1, handshakes: 1, byClient: 1, byPrincipal: 1))
    one.admit(from: home)
    let last = one.admit(from: stranger)
    #expect(one.displaced == [0])
    #expect(one.settle(last, as: try Self.owner("shop")) == "settled")
    one.admit(from: home)
    #expect(one.refused == 1)

    var above = Book(Self.limits(total: 3, handshakes: 100, byClient: 100, byPrincipal: 100))
    for _ in 0..<10 { above.admit(from: home) }
    #expect(above.shares.count == 3)
    #expect(above.displaced == Array(0..<7))
  }

  /// Connections that have a place, in the order in which they became what they are, searched from end
  /// to end.
  private struct Model {
    var entries: [(handle: Int, address: PeerAddress, owner: ConnectionOwner?)] = []
    let limits: ConnectionLimits

    var waiting: [(handle: Int, address: PeerAddress, owner: ConnectionOwner?)] {
      entries.filter { $0.owner == nil }
    }

    /// Takes out whom the next handshake of `address` displaces.
    mutating func displace(for address: PeerAddress, isNew: Bool) -> [Int] {
      let own = waiting.filter { $0.address == address }
      let othersWait = waiting.count > own.count
      let isFull =
        waiting.count == limits.handshakes || (isNew && entries.count == limits.total)
      guard isFull || (othersWait && own.count >= limits.byAddress),
        let oldest = own.first ?? waiting.first
      else { return [] }
      entries.removeAll { $0.handle == oldest.handle }
      return [oldest.handle]
    }

    mutating func settle(_ handle: Int, as owner: ConnectionOwner?) -> (word: String, gone: [Int]) {
      guard let index = entries.firstIndex(where: { $0.handle == handle }) else {
        return ("gone", [])
      }
      guard entries[index].owner != owner else { return ("settled", []) }
      let one = entries.remove(at: index)
      guard let owner else {
        let gone = displace(for: one.address, isNew: false)
        entries.append((handle, one.address, nil))
        return ("settled", gone)
      }
      guard entries.count(where: { $0.owner == owner }) < limits.byClient else {
        return ("client", [])
      }
      guard entries.count(where: { $0.owner?.principal == owner.principal }) < limits.byPrincipal
      else { return ("principal", []) }
      entries.append((handle, one.address, owner))
      return ("settled", [])
    }
  }

  @Test(arguments: [1, 2, 3, 4] as [UInt64])
  func `whatever happens, every connection is counted once and no share is passed`(seed: UInt64)
    throws
  {
    var random = SeededGenerator(seed: seed)
    let limits = Self.limits(total: 9, handshakes: 8, byClient: 3, byPrincipal: 5)
    let owners = try ["a", "b"].flatMap { merchant in
      try ["x", "y"].map { try Self.owner(merchant, $0) }
    }
    let addresses = (0..<5).map { PeerAddress.v4(UInt32($0)) }
    var book = Book(limits)
    var model = Model(limits: limits)
    var seen: Set<String> = []
    for _ in 0..<20_000 {
      let before = (displaced: book.displaced.count, refused: book.refused)
      var expected: [Int] = []
      // Those that have gone are asked for too.
      let handle = Int.random(in: 0...max(0, book.places.count - 1), using: &random)
      switch Int.random(in: 0..<4, using: &random) {
      case 0:
        let address = addresses.randomElement(using: &random) ?? home
        expected = model.displace(for: address, isNew: true)
        let new = book.admit(from: address)
        #expect((book.refused > before.refused) == (model.entries.count == limits.total))
        if book.refused == before.refused { model.entries.append((new, address, nil)) }
      case 1, 2:
        guard !book.places.isEmpty else { continue }
        let one = model.entries.randomElement(using: &random)?.handle ?? handle
        let owner =
          Int.random(in: 0..<4, using: &random) > 0 ? owners.randomElement(using: &random) : nil
        let outcome = model.settle(one, as: owner)
        expected = outcome.gone
        #expect(book.settle(one, as: owner) == outcome.word)
        seen.insert(outcome.word)
      default:
        guard !book.places.isEmpty else { continue }
        let one = Bool.random(using: &random) ? handle : model.entries.first?.handle ?? handle
        book.leave(one)
        model.entries.removeAll { $0.handle == one }
      }
      #expect(Array(book.displaced.dropFirst(before.displaced)) == expected)
      #expect(book.shares.count == model.entries.count)
      #expect(book.shares.handshakeCount == model.waiting.count)
      #expect(model.entries.count <= limits.total && model.waiting.count <= limits.handshakes)
      for owner in owners {
        let own = model.entries.count { $0.owner == owner }
        let all = model.entries.count { $0.owner?.principal == owner.principal }
        #expect(book.shares.count(ofClient: owner) == own)
        #expect(book.shares.count(of: owner.principal) == all)
        #expect(own <= limits.byClient && all <= limits.byPrincipal)
      }
    }
    #expect(seen.isSuperset(of: ["settled", "client"]))
    #expect(!book.displaced.isEmpty && book.refused > 0)
  }

  @Test func `the order is kept however many are taken out of its middle`() {
    var order = ArrivalOrder()
    for place in 1...10_000 as ClosedRange<UInt64> { order.append(place) }
    for place in 2...9_999 as ClosedRange<UInt64> { order.remove(place) }
    #expect(order.count == 2)
    #expect(order.oldest == 1)
    order.remove(1)
    #expect(order.oldest == 10_000)
    order.remove(10_000)
    #expect(order.oldest == nil)
    order.append(10_001)
    #expect(order.oldest == 10_001)
  }

  @Test(arguments: [
    ("192.0.2.1", "192.0.2.2", false), ("192.0.2.1", "192.0.2.1", true),
    ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", true),
    ("2001:db8:1:2::1", "2001:db8:1:3::1", false),
    ("::ffff:192.0.2.1", "192.0.2.1", true), ("::ffff:192.0.2.1", "::ffff:192.0.2.2", false),
    ("::1", "::ffff:127.0.0.1", false),
  ])
  func `an address counts by its host, of IPv6 by the first half`(
    _ one: String, _ other: String, isOne: Bool
  ) throws {
    let first = PeerAddress(try SocketAddress(ipAddress: one, port: 1))
    let second = PeerAddress(try SocketAddress(ipAddress: other, port: 2))
    #expect((first == second) == isOne)
    #expect(first != .unknown)
  }
}
