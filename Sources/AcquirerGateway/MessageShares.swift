import AccessPolicy

/// Who holds the places of messages to acquirers: of all of them an acquirer may have half, and a merchant
/// three quarters, so that one that hangs or floods leaves some to the others; so it is among the merchants
/// of one acquirer.
package struct MessageShares: Sendable {
  /// Why a place was not given.
  package enum Refusal: String, Sendable, CaseIterable {
    /// The acquirer has its share.
    case acquirer
    /// The merchant has its share.
    case merchant
    /// The merchant has its share of the acquirer's places, which others use too.
    case merchantAtAcquirer = "merchant-at-acquirer"
    /// Every place is taken.
    case all
  }

  private struct Pair: Hashable {
    let acquirer: String
    let merchant: String
  }

  private let places: Int
  private let acquirerShare: Int
  private let merchantShare: Int
  private var taken = 0
  private var byAcquirer: [String: Int] = [:]
  private var byMerchant: [String: Int] = [:]
  private var byPair: [Pair: Int] = [:]

  /// - Parameter places: how many there are; everybody may have one.
  package init(places: Int) {
    self.places = places
    acquirerShare = Limits.acquirerShare(ofMessages: places)
    merchantShare = Limits.merchantShare(ofMessages: places)
  }

  /// Takes a place, or says why there is none.
  ///
  /// - Parameter isShared: whether other merchants use the acquirer too.
  package mutating func take(acquirer: String, merchant: String, isShared: Bool) -> Refusal? {
    let pair = Pair(acquirer: acquirer, merchant: merchant)
    guard byAcquirer[acquirer, default: 0] < acquirerShare else { return .acquirer }
    guard byMerchant[merchant, default: 0] < merchantShare else { return .merchant }
    guard !isShared || byPair[pair, default: 0] < Limits.merchantShare(ofMessages: acquirerShare)
    else { return .merchantAtAcquirer }
    guard taken < places else { return .all }
    taken += 1
    byAcquirer[acquirer, default: 0] += 1
    byMerchant[merchant, default: 0] += 1
    byPair[pair, default: 0] += 1
    return nil
  }

  /// Gives a place back that was taken.
  package mutating func giveBack(acquirer: String, merchant: String) {
    precondition(taken > 0, "more places are given back than were taken")
    taken -= 1
    Self.decrease(&byAcquirer, acquirer)
    Self.decrease(&byMerchant, merchant)
    Self.decrease(&byPair, Pair(acquirer: acquirer, merchant: merchant))
  }

  /// Names without a place are not remembered: a reload may change them all.
  private static func decrease<Name>(_ counts: inout [Name: Int], _ name: Name) {
    let count = counts[name, default: 0] - 1
    counts[name] = count > 0 ? count : nil
  }
}
