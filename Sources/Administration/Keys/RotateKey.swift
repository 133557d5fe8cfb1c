internal import AuditLog
internal import JSON
internal import Keyring
package import RecordFormat
internal import VaultCore
package import VaultManagement

/// `keys rotate`: a new key of a role; of a KEK, the one that the operator has installed, where it is
/// named. Of a fingerprint key it waits until every card has its new fingerprint.
package struct RotateKey: AdminOperation {
  package static let route = AdminRoute.change("/v1/keys/rotate", "role", "to")
  private let role: KeyRole
  private let key: KeyIdentifier?
  private let why: KeyReason

  package init(_ role: KeyRole, to key: KeyIdentifier?, because why: KeyReason = .none) {
    self.role = role
    self.key = key
    self.why = why
  }

  package init(_ query: Query) throws(AdministrationError) {
    let role = KeyRole.allCases.first { $0.name == query["role"] }
    let key = query["to"].flatMap { KeyIdentifier($0) }
    guard let role, query["to"] == nil || (key != nil && role.wrapsKeyring) else {
      throw .malformedRequest("a rotation names a role, and a key only with the role kek")
    }
    self.init(role, to: key, because: try query.reason())
  }

  package var fields: [Query.Field] { [("role", role.name), ("to", key?.text)] + why.fields }
  package var reason: KeyReason? { why }
  package var subject: AdminSubject {
    AdminSubject(key: key?.text, words: " role=\(role.name)" + why.words)
  }
  package var terms: AdminTerms { AdminTerms(.audit, .long, .progress, .keysRotate) }

  package func run(_ call: AdminCall) throws {
    let vault = try call.vault()
    let rotation =
      if let stopped = try role.isReplacedCardByCard ? vault.resumeFingerprints() : nil {
        // Asked for again, what has failed goes on.
        stopped
      } else if role.wrapsKeyring {
        try call.keySource().withNextKey(key) { (next, origin) throws(VaultError) in
          try vault.replaceKeyEncryptionKey(
            by: next, origin: origin, because: why, actor: call.actor)
        }
      } else {
        try vault.rotate(role, because: why, actor: call.actor)
      }
    if role.isReplacedCardByCard {
      try call.followKeyWork(vault) {
        try vault.keyring.entry(rotation.old)?.isBeingReplaced == true
          && !vault.isReplacementHeldUp
      }
      if let held = try vault.heldUpReplacement {
        throw AdministrationError.refused(
          "it has begun, and is not done: "
            + KeyWarning.replacementHeldUp(records: held.records).text(for: role)
            + ". Then it goes on by itself")
      }
    }
    try call.answer { json in
      json.member("role", string: role.name)
      json.member("new", string: rotation.new.text)
      json.member("old", string: rotation.old.text)
      json.member("check_value", string: rotation.checkValue)
    }
  }
}

extension AdminCall {
  /// Tells how far work on keys is while what was asked for is not done.
  func followKeyWork(_ vault: VaultManager, while isUnderWay: () throws -> Bool) throws {
    let watch = Watch(lookMilliseconds: 100)
    while try isUnderWay() {
      let work = vault.keyWork
      try sink(.progress(done: work.done, total: max(work.total, work.done)))
      if let failure = work.failure {
        let begun = "it has begun, and is not done: \(failure)"
        guard !work.lacksRoom else {
          throw AdministrationError.refused("\(begun). It goes on by itself when there is room")
        }
        throw AdministrationError.unavailable(
          "\(begun). It is tried again at the next start, or when it is asked for again")
      }
      watch.wait()
    }
  }
}
