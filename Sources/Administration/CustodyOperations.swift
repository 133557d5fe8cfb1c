internal import Cryptography
internal import Glibc
internal import JSON
internal import Keyring
internal import RecordFormat
internal import Vault

extension Operations {
  /// Microseconds between two looks at custodians who enter their shares.
  private static let shareLookMicroseconds: UInt32 = 200_000

  /// Takes a custodian's share.
  func enterShare(
    _ body: AdminBody?, for purpose: ShareProgress.Purpose, actor: String, into sink: Sink
  ) throws -> [UInt8] {
    let vault = try vault()
    // That something is going on is told before Argon2id takes its time.
    try sink(.progress(done: 0, total: 1))
    let progress = try body.flatMap { body in
      try ShareBody.read(body) { passphrase, text in
        try vault.enterShare(text, passphrase: passphrase, for: purpose, actor: actor)
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
    let old = try vault.keyring.keyEncryptionKeyIdentifier
    let isDone = try vault.beginCustody(
      of: new.key, by: new.set, cryptoperiodSeconds: new.cryptoperiodSeconds, actor: actor)
    if !isDone {
      do {
        try followShares(vault, until: new.key.identifier, into: sink)
      } catch {
        // Whoever asked has gone away, or the time is over: nothing is done behind their back.
        vault.abandonCustody()
        throw error
      }
    }
    var json = JSONWriter()
    json.beginObject()
    json.member("role", string: KeyRole.kek.name)
    json.member("new", string: new.key.identifier.text)
    json.member("old", string: old.text)
    json.member("check_value", string: KeyCheckValue.text(new.set.checkValue))
    json.endObject()
    return json.bytes
  }

  private func followShares(
    _ vault: Vault, until key: KeyIdentifier, into sink: Sink
  ) throws {
    while true {
      if try vault.keyring.keyEncryptionKeyIdentifier == key { return }
      guard let progress = vault.shareProgress.first(where: { $0.purpose == .replacement }) else {
        // Between the last share and the new key there is a moment.
        usleep(Self.shareLookMicroseconds)
        if try vault.keyring.keyEncryptionKeyIdentifier == key { return }
        throw AdministrationError.refused(
          "the present custodians have not agreed in time; nothing has changed")
      }
      let entered = UInt64(progress.entered.count)
      try sink(.progress(done: entered, total: entered + UInt64(progress.missing)))
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
