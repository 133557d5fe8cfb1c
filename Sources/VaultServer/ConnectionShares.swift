import AccessPolicy

/// For whom a connection counts whose client is known.
struct ConnectionOwner: Hashable, Sendable {
  let principal: Principal
  /// The client's identity.
  let actor: String

  /// A merchant, or an acquirer, which may have the same name.
  struct Principal: Hashable, Sendable {
    let isMerchant: Bool
    let name: String

    init(_ principal: AccessPolicy.Principal) {
      isMerchant = if case .merchant = principal { true } else { false }
      name = principal.name
    }
  }

  /// Takes the client of `identity`; nil where that is none of a policy's.
  init?(_ identity: ClientIdentity) {
    guard case .client(let actor, let principal) = identity else { return nil }
    self.actor = actor
    self.principal = Principal(principal)
  }
}

/// Counts open connections against the shares that each address, client and principal has.
///
/// A connection that has a place is counted exactly once: as a handshake under its address, until a
/// policy knows its client, and from then on for its client and that client's principal alone. So the
/// handshakes of all addresses and the connections of all principals are together ``count``, and no
/// count is ever above its limit. A value without a socket or a clock; all loops share one, and each
/// connection asks it when it comes, when its client is known, and when it ends.
struct ConnectionShares<Handle> {
  /// The place of one connection. Greater than those that were given before.
  typealias Place = UInt64

  /// A handshake that had to make room for a newer one, and has no place any more.
  struct Displaced {
    let handle: Handle
    /// Whether its address had more than its share; otherwise there were too many in all.
    let isOverAddressShare: Bool
  }

  /// What became of a new connection.
  enum Admission {
    /// It counts as a handshake now.
    case admitted(Place, displaced: Displaced?)
    /// Every place is taken by known clients.
    case refused
  }

  /// What became of a connection of which it is known whose it is.
  enum Settlement {
    case settled(displaced: Displaced?)
    /// It has no place any more: its client has as many others as it may have.
    case overClientShare
    /// It has no place any more: the merchant or acquirer has as many others as it may have.
    case overPrincipalShare
    /// It was displaced before.
    case gone
  }

  private struct Entry {
    let handle: Handle
    let address: PeerAddress
    /// Nil for a handshake.
    var owner: ConnectionOwner?
  }

  private let limits: ConnectionLimits
  private var lastPlace: Place = 0
  private var entries: [Place: Entry] = [:]
  private var handshakes = ArrivalOrder()
  private var handshakesByAddress: [PeerAddress: ArrivalOrder] = [:]
  private var byClient: [ConnectionOwner: Int] = [:]
  private var byPrincipal: [ConnectionOwner.Principal: Int] = [:]

  init(_ limits: ConnectionLimits) { self.limits = limits }

  /// How many connections have a place.
  var count: Int { entries.count }

  /// How many of them have no client that is known.
  var handshakeCount: Int { handshakes.count }

  /// How many connections `owner`'s client has.
  func count(ofClient owner: ConnectionOwner) -> Int { byClient[owner, default: 0] }

  /// How many connections all clients of `principal` have.
  func count(of principal: ConnectionOwner.Principal) -> Int { byPrincipal[principal, default: 0] }

  /// Lets a new connection in, where need be in the place of the oldest handshake.
  mutating func admit(_ handle: Handle, from address: PeerAddress) -> Admission {
    let displaced = makeRoom(for: address, isNew: true)
    guard entries.count < limits.total else { return .refused }
    return .admitted(
      addHandshake(Entry(handle: handle, address: address)), displaced: displaced)
  }

  /// Counts a connection for its client, or, where no policy knows that (any more), as a handshake. It
  /// may be said again after each change of policy.
  ///
  /// - Parameter place: the connection's; it has another one afterwards where it became a handshake.
  mutating func settle(_ place: inout Place, as owner: ConnectionOwner?) -> Settlement {
    guard let entry = entries[place] else { return .gone }
    guard entry.owner != owner else { return .settled(displaced: nil) }
    leave(place)
    guard let owner else {
      let displaced = makeRoom(for: entry.address, isNew: false)
      place = addHandshake(Entry(handle: entry.handle, address: entry.address))
      return .settled(displaced: displaced)
    }
    guard byClient[owner, default: 0] < limits.byClient else { return .overClientShare }
    guard byPrincipal[owner.principal, default: 0] < limits.byPrincipal else {
      return .overPrincipalShare
    }
    byClient[owner, default: 0] += 1
    byPrincipal[owner.principal, default: 0] += 1
    entries[place] = Entry(handle: entry.handle, address: entry.address, owner: owner)
    return .settled(displaced: nil)
  }

  /// Gives a place back; nothing happens where that has been done.
  mutating func leave(_ place: Place) {
    guard let entry = entries.removeValue(forKey: place) else { return }
    guard let owner = entry.owner else {
      handshakes.remove(place)
      handshakesByAddress[entry.address]?.remove(place)
      if handshakesByAddress[entry.address]?.count == 0 { handshakesByAddress[entry.address] = nil }
      return
    }
    Self.subtractOne(from: &byClient, owner)
    Self.subtractOne(from: &byPrincipal, owner.principal)
  }

  /// Takes the oldest handshake out where the next one of `address` would be one too many.
  private mutating func makeRoom(for address: PeerAddress, isNew: Bool) -> Displaced? {
    let own = handshakesByAddress[address]
    let ownCount = own?.count ?? 0
    let othersWait = handshakes.count > ownCount
    let isOverAddressShare = othersWait && ownCount >= limits.byAddress
    let isFull =
      handshakes.count >= limits.handshakes || (isNew && entries.count >= limits.total)
    guard isOverAddressShare || isFull,
      let oldest = own?.oldest ?? handshakes.oldest, let entry = entries[oldest]
    else { return nil }
    leave(oldest)
    return Displaced(handle: entry.handle, isOverAddressShare: isOverAddressShare)
  }

  private mutating func addHandshake(_ entry: Entry) -> Place {
    lastPlace += 1
    entries[lastPlace] = entry
    handshakes.append(lastPlace)
    handshakesByAddress[entry.address, default: ArrivalOrder()].append(lastPlace)
    return lastPlace
  }

  private static func subtractOne<Key>(from counts: inout [Key: Int], _ key: Key) {
    guard let count = counts[key] else { return }
    counts[key] = count > 1 ? count - 1 : nil
  }
}

/// Places in the order in which they came. Any may be taken out, and the oldest is found at once.
struct ArrivalOrder {
  private var order: [UInt64] = []
  /// Where in ``order`` the oldest stands that has not been taken out.
  private var first = 0
  private var present: Set<UInt64> = []

  var count: Int { present.count }

  /// The one that came before all others; nil where there is none.
  var oldest: UInt64? { present.isEmpty ? nil : order[first] }

  /// Adds one that is not present and never was.
  mutating func append(_ place: UInt64) {
    order.append(place)
    present.insert(place)
  }

  /// Takes one out, where it is present.
  mutating func remove(_ place: UInt64) {
    guard present.remove(place) != nil else { return }
    while first < order.count, !present.contains(order[first]) { first += 1 }
    // What was taken out is forgotten when it is the greater part, so that each costs the same.
    guard order.count > 2 * present.count + 16 else { return }
    order = order[first...].filter { present.contains($0) }
    first = 0
  }
}
