internal import Cryptography
internal import Glibc
internal import JSON
internal import Keyring
internal import RecordFormat
internal import Storage
internal import Vault

extension Operations {
  /// Microseconds between two looks at custodians who enter their shares.
  private static let shareLookMicroseconds: UInt32 = 200_000

  /// Takes a custodian's share.
  func enterShare(
    _ body: AdminBody?, for purpose: ShareProgress.Purpose, actor: String, into sink: Sink
  ) throws -> [UInt8] {
    let vault = try vault()
    // Argon2id takes its time, and opening may build an index: whoever waits is told that it goes on.
    let progress = try WatchedWork.run(into: sink) { _ in
      try body.flatMap { body in
        try ShareBody.read(body) { passphrase, text in
          try vault.enterShare(text, passphrase: passphrase, for: purpose, actor: actor)
        }
      }
    }
    guard let progress else {
      throw AdministrationError.malformedRequest("a share comes with its passphrase in the body")
    }
    var json = JSONWriter()
    json.beginObject()
    json.write(progress)
    json.member("state", string: vault.isSealed ? "sealed" : "serving")
    json.endObject()
    return json.bytes
  }

  /// Puts custodians in place: at once, or when enough of the present ones have agreed.
  func replaceCustodians(
    _ body: AdminBody?, actor: String, into sink: Sink
  ) throws -> [UInt8] {
    let vault = try vault()
    guard let body, let new = try CustodyBody.read(body) else {
      throw AdministrationError.malformedRequest("a ceremony comes with its key in the body")
    }
    let old: KeyIdentifier
    let waiting: CustodianReplacement?
    do {
      old = try vault.keyring.keyEncryptionKeyIdentifier
      waiting = try vault.beginCustody(
        of: new.key, by: new.set, cryptoperiodSeconds: new.cryptoperiodSeconds, actor: actor)
    } catch StorageError.writingEnded {
      throw StorageError.writingEnded
    } catch {
      throw AdministrationError.notReplaced(AdministrationError(any: error).detail)
    }
    if let waiting { try follow(waiting, vault, actor: actor, into: sink) }
    var json = JSONWriter()
    json.beginObject()
    json.member("role", string: KeyRole.kek.name)
    json.member("new", string: new.key.identifier.text)
    json.member("old", string: old.text)
    json.member("check_value", string: KeyCheckValue.text(new.set.checkValue))
    json.endObject()
    return json.bytes
  }

  /// Waits for the present custodians. What is certain is told, and nothing else: whoever holds the
  /// ceremony throws the new shares away only where they are worth nothing.
  private func follow(
    _ replacement: CustodianReplacement, _ vault: Vault, actor: String, into sink: Sink
  ) throws {
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
          try sink(
            .progress(done: entered, total: max(1, entered + UInt64(progress?.missing ?? 0))))
        } catch {
          // Whoever asked has gone away: nothing is done behind their back.
          refusal = error
          vault.abandon(replacement, actor: actor)
        }
      }
      usleep(Self.shareLookMicroseconds)
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
