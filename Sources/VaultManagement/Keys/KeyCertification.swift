import AuditLog
import Bytes
import CardStore
import Cryptography
import Keyring
import RecordFormat
import Storage
import VaultCore

extension Books {
  /// Signs and keeps an interim certificate for each key that `order` has emptied.
  ///
  /// - Parameters:
  ///   - replacements: the entries that say that keys were replaced.
  ///   - end: the entry that says that the re-encryption is done.
  /// - Throws: `VaultError`, `KeyringError`, `AuditError`, `StorageError`.
  func certifyReencryption(
    _ order: ReencryptionOrder, replacements: [KeyIdentifier: UInt64], end: UInt64,
    in transaction: inout StoreWriteTransaction
  ) throws(VaultError) {
    let keyring = try opened().keys.working
    let now = now
    for count in order.counts {
      guard let entry = keyring.entry(count.key),
        entry.state == .deactivated || entry.state == .compromised,
        try opened().cards.cards(under: count.key) == 0
      else { continue }
      var certificate = try certificate(for: entry, in: keyring)
      let successor = certificate.successor.identifier
      certificate.before = .init(
        underKey: count.cards, underSuccessor: order.cards(under: successor))
      certificate.run = .init(
        beganMilliseconds: order.beganMilliseconds, endedMilliseconds: now, actor: order.actor)
      let entries = [replacements[count.key], order.sequence, end].compactMap { $0 }
      certificate.proofs = try proofs(entries, of: count.key, in: &transaction)
      try sign(certificate, in: &transaction)
    }
  }

  /// Signs and keeps the final certificate of a key, which the open batch has destroyed.
  ///
  /// What the interim certificate says of the re-encryption is taken over from it, where it was signed
  /// by one of the store's audit keys.
  /// - Parameters:
  ///   - actor: who had it destroyed.
  ///   - approvers: who approved that.
  ///   - entries: sequences of the audit entries that prove it: the request, each approval, the beginning
  ///     and the end of the destruction; those of the interim certificate are added.
  /// - Returns: the note.
  /// - Throws: `VaultError.keyNeeded`, `VaultError.unknownKey`; `KeyringError.wrongState` where the key
  ///   is not destroyed; `AuditError`, `StorageError`.
  @discardableResult
  func certifyDestruction(
    of key: KeyIdentifier, by actor: AuditActor, approvedBy approvers: [String], entries: [UInt64],
    in transaction: inout StoreWriteTransaction
  ) throws(VaultError) -> SignedNote {
    let keyring = try opened().keys.working
    guard let entry = keyring.entry(key) else { throw .keyring(.unknownKey(key)) }
    guard entry.state == .destroyed, let destroyed = entry.destroyedMilliseconds else {
      throw .keyring(.wrongState(key, entry.state))
    }
    var needs = KeyNeeds()
    needs.cards = try opened().cards.cards(under: key)
    guard needs.isEmpty else { throw .keyNeeded(key, needs) }
    var certificate = try certificate(for: entry, in: keyring)
    certificate.destruction = .init(atMilliseconds: destroyed, actor: actor.name)
    certificate.approvers = approvers
    var sequences = entries
    if let interim = try interim(of: key, keyring: keyring, in: &transaction) {
      certificate.successor = interim.successor
      certificate.before = interim.before
      certificate.after = interim.after
      certificate.run = interim.run
      sequences += interim.proofs.map(\.sequence)
    }
    certificate.proofs = try proofs(sequences, of: key, in: &transaction)
    return try sign(certificate, in: &transaction)
  }

  /// What is the same in every certificate of a key, with the cards of now.
  private func certificate(
    for entry: KeyringEntry, in keyring: Keyring
  ) throws(VaultError) -> RotationCertificate {
    let successor = try onKeys(keyring.current(entry.role))
    let counts = RotationCertificate.Cards(
      underKey: try opened().cards.cards(under: entry.identifier),
      underSuccessor: try opened().cards.cards(under: successor.identifier))
    return RotationCertificate(
      store: String(origin.dropFirst(VerifierKey.namePrefix.count)), role: entry.role,
      key: .init(
        identifier: entry.identifier, checkValue: entry.checkValue.map(KeyCheckValue.text),
        createdMilliseconds: entry.createdMilliseconds,
        deactivatedMilliseconds: entry.deactivatedMilliseconds ?? 0,
        compromisedMilliseconds: entry.compromisedMilliseconds),
      destruction: nil,
      successor: .init(
        identifier: successor.identifier,
        checkValue: successor.checkValue.map(KeyCheckValue.text)),
      before: counts, after: counts, run: nil, approvers: [], proofs: [],
      treeSize: audit.pendingSize, treeRoot: audit.pendingRoot)
  }

  /// The leaves of those of `sequences` whose entries are about the key, or about cards that were moved.
  ///
  /// An order that came with a backup names entries of the log before; what stands under their sequences
  /// in this one proves nothing.
  private func proofs(
    _ sequences: [UInt64], of key: KeyIdentifier, in transaction: inout StoreWriteTransaction
  ) throws(VaultError) -> [RotationCertificate.Proof] {
    var proofs: [RotationCertificate.Proof] = []
    for sequence in Set(sequences).sorted() {
      let row = sequence.bigEndianBytes
      do throws(StorageError) {
        guard let line = try transaction.get(row.rawSpan, in: .audit),
          let logged = LoggedEntry(line: line), logged.isAbout(key)
        else { continue }
        proofs.append(.init(sequence: sequence, leaf: MerkleHash.leaf(line)))
      } catch { throw .store(error) }
    }
    return proofs
  }

  @discardableResult
  private func sign(
    _ certificate: RotationCertificate, in transaction: inout StoreWriteTransaction
  ) throws(VaultError) -> SignedNote {
    let keys = try opened().keys
    let signer = try onKeys(keys.working.signingKey())
    let note = try onLog(SignedNote(signing: certificate.text, as: origin, with: signer.key))
    keys.countUse(of: signer.identifier)
    try RotationCertificate.save(
      note, for: certificate.key.identifier, certificate.kind, in: &transaction)
    return note
  }

  /// The interim certificate of a key, where one of the store's audit keys has signed it. One that came
  /// with a backup is about another store.
  private func interim(
    of key: KeyIdentifier, keyring: Keyring, in transaction: inout StoreWriteTransaction
  ) throws(VaultError) -> RotationCertificate? {
    guard let note = try RotationCertificate.note(for: key, .interim, in: transaction) else {
      return nil
    }
    var trusted: [VerifierKey] = []
    for entry in keyring.entries where entry.role.signs && entry.material != nil {
      let signer = try onKeys(keyring.signingKey(entry.identifier))
      trusted.append(try verifierKey(signer.key.publicKey))
    }
    // The key that signed it may be destroyed: then a key after it is vouched for by it.
    for note in try onLog(KeySuccession.notes(in: transaction)) {
      trusted.append(try onLog(KeySuccession(parsing: note.text)).old.key)
    }
    do {
      let certificate = try RotationCertificate(verifying: note, by: trusted)
      return VerifierKey.namePrefix + certificate.store == origin ? certificate : nil
    } catch {
      // What cannot be verified is not certified again.
      return nil
    }
  }
}

extension LoggedEntry {
  /// Whether the entry tells of a key, of its replacement, or of cards that were moved.
  fileprivate func isAbout(_ key: KeyIdentifier) -> Bool {
    self.key == key.text || reasons["replaces"].map(String.init) == key.text
      || operation == .keysReencrypt
  }
}
