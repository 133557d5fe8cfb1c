import AccessPolicy
import AuditLog
import Cards
import Ledgers
import Storage
import VaultCore

/// Somebody who came with a certificate and is not served: revoked, expired, of another authority, or with a
/// name that no policy knows.
package struct Stranger: Equatable, Sendable {
  /// Where the connection came from: `ADDRESS:PORT`.
  package let origin: String?
  /// The host, or the network of a host that has a whole one: entries are counted by it.
  package let network: String
  /// Why it is not served: a word.
  package let reason: String
  /// Whether an authority of the policy vouches for the certificate.
  package let isVouchedFor: Bool
  /// The certificate's serial number; nil where it could not be read.
  package let serial: String?
  /// What the certificate says of its holder. Of another authority's it is what anybody could have written.
  package let subject: String?

  package init(
    origin: String?, network: String, reason: String, isVouchedFor: Bool, serial: String?,
    subject: String?
  ) {
    self.origin = origin
    self.network = network
    self.reason = reason
    self.isVouchedFor = isVouchedFor
    self.serial = serial
    self.subject = subject
  }

  /// The entry about it. What it was known by may be longer than there is room, and stands last; where it may
  /// hold the number of a card, which anybody can write into a certificate, none of it is kept.
  var entry: AuditEntry {
    var known = ""
    if let serial { known += " serial=\(serial.prefix(Self.longestSerial))" }
    if let subject { known += " subject=\(subject)" }
    let words = "cause=\(reason)" + (PAN.couldStand(in: known) ? " certificate=withheld" : known)
    return AuditEntry(
      actor: .stranger(from: origin), operation: .clientRejected, outcome: .refused,
      reason: words)
  }

  /// Of a serial number: 20 bytes are what an authority may use.
  private static let longestSerial = 40
}

extension Tokenizer {
  /// Notes somebody who is not served: an entry each, bounded by address and for all together; what is
  /// past that is counted, and the counts become entries when their minute has ended.
  ///
  /// Sealed, it notes nothing, as of all that comes by the network: the service's log has it.
  package func note(_ stranger: Stranger) {
    let books = vault.books
    let now = books.clock.monotonicNanoseconds()
    let entry = stranger.entry
    // Whoever makes certificates of their own takes no room from those that an authority has issued.
    let ledger = stranger.isVouchedFor ? books.rejected : books.strangers
    guard ledger.record(address: stranger.network, now: now) == .store else {
      return books.alarms.noteCounted(entry, from: .outside, now: { now })
    }
    vault.store.submit { (transaction) throws(VaultError) in
      guard books.isOpen else { return }
      _ = try books.record(entry, in: &transaction)
    }
  }
}
