/// Keeps those who are not served from filling the disk with entries: the first of an address in a minute get
/// one each, as long as all addresses together have not had theirs; the others are counted.
package final class StrangerLedger: Sendable {
  /// Entries of one address in a minute.
  package static let storedByAddress = 6
  /// Entries of all addresses in a minute.
  package static let storedPerMinute = 60
  /// Addresses that are told apart in a minute; the others count as one.
  package static let mostAddresses = 4_096
  /// Addresses that have a count of their own in a minute.
  package static let mostNamed = 20
  /// What those beyond are called.
  static let others = "others"

  private let byAddress = RefusalLedger(storedPerMinute: storedByAddress)
  private let all = RefusalLedger(storedPerMinute: storedPerMinute)

  package init() {}

  /// Decides about one of `address`.
  ///
  /// - Parameter now: a monotonic clock, in nanoseconds.
  package func record(address: String, now: UInt64) -> RefusalLedger.Decision {
    let hasRoom = all.record(client: "", now: now) == .store
    let name =
      byAddress.isKnown(address) || byAddress.clientCount < Self.mostAddresses
      ? address : Self.others
    return byAddress.record(client: name, storing: hasRoom && name == address, now: now)
  }

  /// The counts of the minutes that have ended, each given once: of the addresses with the most, and of all
  /// others together.
  package func flush(now: UInt64) -> [RefusalLedger.Counted] {
    _ = all.flush(now: now)
    let counts = byAddress.flush(now: now).sorted {
      ($1.count, $0.client) < ($0.count, $1.client)
    }
    let named = counts.filter { $0.client != Self.others }.prefix(Self.mostNamed)
    let rest = counts.reduce(0) { $0 + $1.count } - named.reduce(0) { $0 + $1.count }
    return Array(named) + (rest > 0 ? [.init(client: Self.others, count: rest)] : [])
  }
}
