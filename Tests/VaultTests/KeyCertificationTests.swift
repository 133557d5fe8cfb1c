import AuditLog
import Bytes
import Cryptography
import Keyring
import RecordFormat
import Storage
import TestSupport
import Testing

@testable import Ledgers
@testable import Tokenization
@testable import VaultCore
@testable import VaultManagement

/// Certificates that a re-encryption and a destruction leave.
@Suite struct KeyCertificationTests {
  private let house: TestVault

  init() throws { house = try TestVault() }

  private func wait() throws {
    while try house.vault.keyWork.isRunning { try house.settle() }
    #expect(try house.vault.keyWork.failure == nil)
  }

  private func reencrypt() throws {
    try house.vault.beginReencryption(cardsPerSecond: 0, actor: "user:ann")
    try wait()
  }

  private func activeKey() throws -> VerifierKey {
    let publicKey = try house.vault.keyring.signingKey().key.publicKey
    return try house.vault.books.verifierKey(publicKey)
  }

  private func certificate(
    _ key: KeyIdentifier, _ kind: RotationCertificate.Kind = .interim
  ) throws -> RotationCertificate? {
    let note = try house.store.read { try RotationCertificate.note(for: key, kind, in: $0) }
    return try note.map { try RotationCertificate(verifying: $0, by: [try activeKey()]) }
  }

  /// Whether each proof is the leaf of a line that has one of `texts`, in their order.
  private func check(_ certificate: RotationCertificate, proves texts: [String]) throws {
    let lines = try house.lines()
    #expect(certificate.proofs.count == texts.count)
    for (proof, text) in zip(certificate.proofs, texts) {
      let line = lines[Int(proof.sequence)]
      #expect(line.contains(text), "\(line)")
      #expect(MerkleHash.leaf(Array(line.utf8).rawSpan) == proof.leaf)
    }
    var tree = MerkleFrontier()
    for line in lines.prefix(Int(certificate.treeSize)) {
      tree.append(MerkleHash.leaf(Array(line.utf8).rawSpan))
    }
    #expect(tree.size == certificate.treeSize)
    #expect(tree.root == certificate.treeRoot)
  }

  @Test func `a re-encryption leaves a certificate of the key that it has emptied`() async throws {
    _ = try await house.token(of: Number.visa)
    let rotation = try house.vault.rotate(.data, actor: "user:bob")
    _ = try await house.token(of: Number.visaCB)
    try reencrypt()
    let certificate = try #require(try certificate(rotation.old))
    let keyring = try house.vault.keyring
    #expect(certificate.kind == .interim)
    #expect(certificate.key.identifier == rotation.old)
    #expect(
      certificate.key.checkValue
        == keyring.entry(rotation.old)?.checkValue.map(KeyCheckValue.text))
    #expect(
      certificate.successor
        == .init(
          identifier: rotation.new, checkValue: rotation.checkValue))
    #expect(certificate.before == .init(underKey: 1, underSuccessor: 1))
    #expect(certificate.after == .init(underKey: 0, underSuccessor: 2))
    #expect(certificate.run?.actor == "user:ann")
    #expect(certificate.approvers.isEmpty)
    try check(
      certificate,
      proves: ["replaces=\(rotation.old.text)", "\"outcome\":\"begun\"", "moved=1 left=0"])
    #expect(try house.auditFinding() == nil)
  }

  @Test func `a re-encryption that moves nothing leaves no certificate`() async throws {
    _ = try await house.token(of: Number.visa)
    try reencrypt()
    let rotation = try house.vault.rotate(.data, actor: "user:bob")
    #expect(try certificate(rotation.old) == nil)
    try reencrypt()
    #expect(try certificate(rotation.old) != nil)
    #expect(try certificate(rotation.new) == nil)
  }

  @Test func `a key under which a damaged card is left gets none`() async throws {
    let token = try await house.token(of: Number.visa)
    _ = try await house.token(of: Number.visaCB)
    let rotation = try house.vault.rotate(.data, actor: "user:bob")
    try house.damage(token, byte: 40)
    try reencrypt()
    #expect(try house.vault.cardsToMove() == 1)
    #expect(try certificate(rotation.old) == nil)
  }

  @Test func `two keys that are emptied at once have a certificate each`() async throws {
    _ = try await house.token(of: Number.visa)
    let one = try house.vault.rotate(.data, actor: "user:bob")
    _ = try await house.token(of: Number.visaCB)
    let two = try house.vault.rotate(.data, actor: "user:bob")
    try reencrypt()
    for (key, rotation) in [(one.old, one), (two.old, two)] {
      let certificate = try #require(try certificate(key))
      #expect(certificate.before == .init(underKey: 1, underSuccessor: 0))
      #expect(certificate.after.underSuccessor == 2)
      #expect(certificate.successor.identifier == two.new)
      try check(
        certificate,
        proves: ["replaces=\(rotation.old.text)", "\"outcome\":\"begun\"", "moved=2 left=0"])
    }
  }

  @Test func `a re-encryption that is begun again while it runs remembers the first beginning`()
    async throws
  {
    _ = try await house.token(of: Number.visa)
    let rotation = try house.vault.rotate(.data, actor: "user:bob")
    // As it stands after a crash, before the thread has moved anything.
    var order = ReencryptionOrder(
      cardsPerSecond: 0, beganMilliseconds: 5, sequence: 0, actor: "user:ann")
    order.note([rotation.old: 70])
    let first = order
    try house.store.perform { [core = try house.vault.books] in try core.note(first, in: &$0) }
    try house.vault.beginReencryption(cardsPerSecond: 0, actor: "user:eve")
    try wait()
    let certificate = try #require(try certificate(rotation.old))
    #expect(certificate.run?.actor == "user:ann")
    // The entry that the order names is another one, as after a restore.
    try check(certificate, proves: ["replaces=\(rotation.old.text)", "moved=1 left=0"])
    #expect(certificate.run?.beganMilliseconds == 5)
    #expect(certificate.before.underKey == 70)
  }

  @Test func `a re-encryption goes on after a crash and certifies with the old counts`()
    async throws
  {
    _ = try await house.token(of: Number.visa)
    let rotation = try house.vault.rotate(.data, actor: "user:bob")
    try house.vault.stopReencryption(actor: "user:bob")
    try house.store.perform { [core = try house.vault.books] transaction in
      var order = ReencryptionOrder(
        cardsPerSecond: 0, beganMilliseconds: core.now, sequence: 1, actor: "user:ann")
      order.note([rotation.old: 1])
      try core.note(order, in: &transaction)
    }
    try house.crash()
    try house.open()
    try wait()
    #expect(try certificate(rotation.old)?.before.underKey == 1)
  }

  // MARK: - The final one

  /// Destroys a key as the commands do, but for the approvals and the compaction.
  private func destroy(_ key: KeyIdentifier, certifying: Bool = true) throws {
    try house.store.perform { [core = try house.vault.books] transaction in
      let keys = try core.opened().keys
      try keys.change(in: &transaction) { (change) throws(KeyringError) in
        try change.beginDestruction(key)
        change.endDestructions(of: [key], atMilliseconds: core.now)
      }
      let entry = AuditEntry(
        actor: "user:ann", operation: .keysDestroy, key: key.text, outcome: .done)
      let sequence = try core.record(entry, in: &transaction)
      guard certifying else { return }
      try core.certifyDestruction(
        of: key, by: "user:ann", approvedBy: ["user:bob"], entries: [sequence], in: &transaction)
    }
  }

  @Test func `a destroyed key's certificate takes the re-encryption over`() async throws {
    _ = try await house.token(of: Number.visa)
    let rotation = try house.vault.rotate(.data, actor: "user:bob")
    try reencrypt()
    let interim = try #require(try certificate(rotation.old))
    _ = try await house.token(of: Number.visaCB)
    try destroy(rotation.old)
    let final = try #require(try certificate(rotation.old, .final))
    #expect(final.kind == .final)
    #expect(final.destruction?.actor == "user:ann")
    #expect(final.approvers == ["user:bob"])
    #expect(final.run == interim.run)
    #expect(final.before == interim.before)
    #expect(final.after == interim.after)
    #expect(final.key.checkValue == interim.key.checkValue)
    try check(
      final,
      proves: [
        "replaces=\(rotation.old.text)", "\"outcome\":\"begun\"", "moved=1 left=0",
        "\"operation\":\"keys.destroy\"",
      ])
    try house.reopen()
    #expect(try certificate(rotation.old, .final) == final)
  }

  @Test func `one that was altered in the store is not taken over`() async throws {
    _ = try await house.token(of: Number.visa)
    let rotation = try house.vault.rotate(.data, actor: "user:bob")
    try reencrypt()
    let note = try #require(
      try house.store.read { try RotationCertificate.note(for: rotation.old, .interim, in: $0) })
    let forged = note.encoded.replacing("ran-by user:ann", with: "ran-by user:eve")
    try house.store.perform { transaction in
      try RotationCertificate.save(
        try SignedNote(parsing: Array(forged.utf8)), for: rotation.old, .interim, in: &transaction)
    }
    try destroy(rotation.old)
    let final = try #require(try certificate(rotation.old, .final))
    #expect(final.run == nil)
    #expect(final.proofs.count == 1)
  }

  @Test func `an interim certificate counts after its audit key was replaced and destroyed`()
    async throws
  {
    _ = try await house.token(of: Number.visa)
    let rotation = try house.vault.rotate(.data, actor: "user:bob")
    try reencrypt()
    let audit = try house.vault.rotate(.audit, actor: "user:bob")
    try destroy(audit.old, certifying: false)
    try destroy(rotation.old)
    #expect(try certificate(rotation.old, .final)?.run?.actor == "user:ann")
  }

  @Test func `a key that lives, or that guards a card, is not certified to be destroyed`()
    async throws
  {
    _ = try await house.token(of: Number.visa)
    let rotation = try house.vault.rotate(.data, actor: "user:bob")
    #expect(throws: VaultError.keyring(.wrongState(rotation.old, .deactivated))) {
      try house.store.perform { [core = try house.vault.books] transaction in
        try core.certifyDestruction(
          of: rotation.old, by: "user:ann", approvedBy: [], entries: [], in: &transaction)
      }
    }
    #expect(throws: VaultError.self) { try destroy(rotation.old) }
    #expect(try house.vault.keyring.entry(rotation.old)?.state == .deactivated)
  }

  @Test func `the destruction that another person approved leaves the whole story`() async throws {
    _ = try await house.token(of: Number.visa)
    let rotation = try house.vault.rotate(.data, actor: "user:bob")
    let bystander = try house.vault.rotate(.data, actor: "user:bob")
    try reencrypt()
    let reason = try #require(KeyReason(ticket: "CHG-1", text: "replaces=\(bystander.old.text)"))
    guard
      case .waits(let approval) = try house.vault.destroy(
        rotation.old, because: reason, actor: "user:ann", persons: 2)
    else {
      Issue.record("nobody else had to approve")
      return
    }
    let answer = try house.vault.approve(approval.identifier, actor: "user:bob", persons: 2)
    #expect(answer == .begun)
    try wait()
    let final = try #require(try certificate(rotation.old, .final))
    #expect(final.destruction?.actor == "user:ann")
    #expect(final.approvers == ["user:bob"])
    #expect(final.successor.identifier == bystander.new)
    try check(
      final,
      proves: [
        "replaces=\(rotation.old.text)", "\"outcome\":\"begun\"", "moved=1 left=0",
        "\"outcome\":\"waiting\"", "\"operation\":\"approve\"", "\"outcome\":\"begun\"",
        "\"operation\":\"keys.destroy\"",
      ])
    #expect(try house.auditFinding() == nil)
  }

  @Test(arguments: [KeyRole.audit, .fingerprint])
  func `a destroyed key of another role leaves a certificate too`(_ role: KeyRole) throws {
    let rotation = try house.vault.rotate(role, actor: "user:bob")
    try wait()
    _ = try house.vault.destroy(rotation.old, because: .none, actor: "user:ann", persons: 1)
    try wait()
    #expect(try house.vault.keyring.entry(rotation.old)?.state == .destroyed)
    let final = try #require(try certificate(rotation.old, .final))
    #expect(final.role == role && final.successor.identifier == rotation.new)
    #expect(final.destruction?.actor == "user:ann" && final.run == nil)
  }

  @Test func `a destroyed KEK leaves a certificate`() throws {
    let old = try house.vault.keyring.keyEncryptionKeyIdentifier
    let next = try house.source.make(besides: [old])
    _ = try house.vault.replaceKeyEncryptionKey(by: next, origin: .rotation, actor: "user:bob")
    _ = try house.vault.destroy(old, because: .none, actor: "user:ann", persons: 1)
    try wait()
    let final = try #require(try certificate(old, .final))
    #expect(final.role == .kek && final.key.identifier == old)
    #expect(final.successor.identifier == next.identifier)
    #expect(final.before == .init(underKey: 0, underSuccessor: 0))
    try check(
      final,
      proves: [
        "replaces=\(old.text)", "\"outcome\":\"begun\"", "\"operation\":\"keys.destroy\"",
      ])
    #expect(try RotationCertificate(parsing: final.text) == final)
  }

  @Test func `a document is signed with the log of then, and an edited one does not verify`() throws
  {
    let note = try house.vault.sign("{\"keys\":[]}", of: .keysStatus, for: "user:ann")
    let document = try SignedDocument(verifying: note, by: [try activeKey()])
    #expect(document.kind == "keys.status" && document.actor == "user:ann")
    #expect(document.document == "{\"keys\":[]}")
    #expect(document.treeSize == UInt64(try house.lines().count))
    let edited = note.encoded.replacing("[]", with: "[1]")
    let other = try SignedNote(parsing: Array(edited.utf8))
    #expect(throws: AuditError.self) {
      _ = try SignedDocument(verifying: other, by: [try activeKey()])
    }
    try house.vault.seal(actor: "user:ann")
    #expect(throws: VaultError.sealed) {
      _ = try house.vault.sign("{}", of: .keysStatus, for: "user:ann")
    }
  }
}
