import AccessPolicy

/// Who holds the places of messages to acquirers: of all of them an acquirer may have half, and a merchant
/// three quarters, so that one that hangs or floods leaves some to the others.
package struct MessageShares: Sendable {
  /// Why a place was not given.
  package enum Refusal: String, Sendable, CaseIterable {
    /// The acquirer has its share.
    case acquirer
    /// The merchant has its share.
    case merchant
    /// Every place is taken.
    case all
  }

  private let places: Int
  private let acquirerShare: Int
  private let merchantShare: Int
  private var taken = 0
  private var byAcquirer: [String: Int] = [:]
  private var byMerchant: [String: Int] = [:]

  /// - Parameter places: how many there are; everybody may have one.
  package init(places: Int) {
    self.places = places
    acquirerShare = Limits.acquirerShare(ofMessages: places)
    merchantShare = Limits.merchantShare(ofMessages: places)
  }

  /// Takes a place, or says why there is none.
  package mutating func take(acquirer: String, merchant: String) -> Refusal? {
    guard byAcquirer[acquirer, default: 0] < acquirerShare else { return .acquirer }
    guard byMerchant[merchant, default: 0] < merchantShare else { return .merchant }
    guard taken < places else { return .all }
    taken += 1
    byAcquirer[acquirer, default: 0] += 1
    byMerchant[merchant, default: 0] += 1
    return nil
  }

  /// Gives a place back that was taken.
  package mutating func giveBack(acquirer: String, merchant: String) {
    precondition(taken > 0, "more places are given back than were taken")
    taken -= 1
    Self.decrease(&byAcquirer, acquirer)
    Self.decrease(&byMerchant, merchant)
  }

  /// Names without a place are not remembered: a reload may change them all.
  private static func decrease(_ counts: inout [String: Int], _ name: String) {
    let count = counts[name, default: 0] - 1
    counts[name] = count > 0 ? count : nil
  }
}
