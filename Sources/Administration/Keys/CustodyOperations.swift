internal import AuditLog
internal import Cryptography
internal import JSON
internal import Keyring
internal import RecordFormat
internal import Storage
internal import VaultCore
package import VaultManagement

/// A custodian's share for opening the keyring, in the body as a ``ShareBody``.
package struct EnterUnsealShare: PlainChange {
  package static let route = AdminRoute.change("/v1/unseal/share")
  package let why: KeyReason
  package var terms: AdminTerms {
    AdminTerms(.enterShares, .persons, .progress, .unsealShare, isFreeOfTickets: true)
  }

  package init(because why: KeyReason = .none) { self.why = why }

  package func run(_ call: AdminCall) throws { try call.enterShare(for: .unseal, because: why) }
}

/// A present custodian's agreement to others, in the body as a ``ShareBody``.
package struct EnterCeremonyShare: PlainChange {
  package static let route = AdminRoute.change("/v1/ceremony/share")
  package let why: KeyReason
  package var terms: AdminTerms {
    AdminTerms(.enterShares, .persons, .progress, .ceremonyShare, isFreeOfTickets: true)
  }

  package init(because why: KeyReason = .none) { self.why = why }

  package func run(_ call: AdminCall) throws {
    try call.enterShare(for: .replacement, because: why)
  }
}

/// How far custodians are with their shares: for a custodian, who sees nothing else of the vault.
package struct ShowShares: PlainAdminOperation {
  package static let route = AdminRoute.get("/v1/shares")
  package var terms: AdminTerms {
    AdminTerms(.enterShares, .short, .document, .unsealShare, leavesEntry: false)
  }

  package init() {}

  package func run(_ call: AdminCall) throws {
    let vault = try call.vault()
    try call.answer { json in
      json.member("state", string: vault.isSealed ? "sealed" : "serving")
      json.member("shares", objects: vault.shareProgress) { $0.write($1) }
    }
  }
}

extension AdminCall {
  fileprivate func enterShare(
    for purpose: ShareProgress.Purpose, because why: KeyReason
  ) throws {
    let vault = try vault()
    if try vault.holders()?.rules.distinctAccounts == true { try refuseNamelessPerson() }
    // Argon2id takes its time, and opening may build an index: whoever waits is told that it goes on.
    let progress = try WatchedWork.run(into: sink) { [body, why, actor] _ in
      try body.flatMap { body in
        try ShareBody.read(body) { passphrase, text in
          do throws(VaultError) {
            return try vault.enterShare(
              text, passphrase: passphrase, for: purpose, because: why, actor: actor)
          } catch {
            // The entry about a share that was not taken names its custodian.
            if case .keyring(.custody) = error { throw RecordedFailure(cause: error) }
            throw error
          }
        }
      }
    }
    guard let progress else {
      throw AdministrationError.malformedRequest("a share comes with its passphrase in the body")
    }
    try answer { json in
      json.write(progress)
      json.member("state", string: vault.isSealed ? "sealed" : "serving")
    }
  }
}

/// Other custodians, in the body as a ``CustodyBody``: at once, or when enough of the present ones have
/// agreed.
package struct ReplaceCustodians: PlainChange {
  package static let route = AdminRoute.change("/v1/ceremony")
  package let why: KeyReason
  package var terms: AdminTerms { AdminTerms(.operate, .persons, .progress, .ceremony) }

  package init(because why: KeyReason = .none) { self.why = why }

  package func run(_ call: AdminCall) throws {
    let vault = try call.vault()
    guard let body = call.body, let new = try CustodyBody.read(body) else {
      throw AdministrationError.malformedRequest("a ceremony comes with its key in the body")
    }
    let old: KeyIdentifier
    let waiting: CustodianReplacement?
    do {
      old = try vault.keyring.keyEncryptionKeyIdentifier
      waiting = try vault.beginCustody(
        of: new.key, by: new.set, cryptoperiodSeconds: new.cryptoperiodSeconds,
        because: why, actor: call.actor, persons: call.persons(.ceremony))
    } catch VaultError.store(.writingEnded) {
      throw StorageError.writingEnded
    } catch {
      throw AdministrationError.notReplaced(AdministrationError(any: error).detail)
    }
    if let waiting { try follow(waiting, vault, call) }
    try call.answer { json in
      json.member("role", string: KeyRole.kek.name)
      json.member("new", string: new.key.identifier.text)
      json.member("old", string: old.text)
      json.member("check_value", string: KeyCheckValue.text(new.set.checkValue))
    }
  }

  /// Waits for the present custodians. What is certain is told, and nothing else: whoever holds the
  /// ceremony throws the new shares away only where they are worth nothing.
  private func follow(
    _ replacement: CustodianReplacement, _ vault: VaultManager, _ call: AdminCall
  ) throws {
    let watch = Watch(lookMilliseconds: 200)
    var refusal: (any Error)?
    while true {
      switch replacement.state {
      case .done: return
      case .unknown: throw StorageError.writingEnded
      case .abandoned:
        if let refusal { throw refusal }
        throw AdministrationError.notReplaced(
          "the present custodians have not agreed in time, or the vault was sealed; nothing has "
            + "changed")
      case .waiting, .committing: break
      }
      if refusal == nil {
        do {
          let progress = vault.shareProgress.first { $0.purpose == .replacement }
          let entered = UInt64(progress?.entered.count ?? 0)
          try call.sink(
            .progress(done: entered, total: max(1, entered + UInt64(progress?.missing ?? 0))))
        } catch {
          // Whoever asked has gone away: nothing is done behind their back.
          refusal = error
          vault.abandon(replacement, actor: call.actor)
        }
      }
      watch.wait()
    }
  }
}

extension JSONWriter {
  /// The members about shares that are entered.
  mutating func write(_ progress: ShareProgress) {
    member("purpose", string: progress.purpose.rawValue)
    member("key", string: progress.key.text)
    member("entered", strings: progress.entered)
    member("missing", integer: progress.missing)
    member("seconds_left", integer: progress.secondsLeft)
  }
}
