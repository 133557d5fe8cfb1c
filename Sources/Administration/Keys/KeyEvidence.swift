internal import AuditLog
internal import Cryptography
internal import JSON
internal import Keyring
package import RecordFormat
internal import Storage
package import VaultManagement

/// `keys certificate`: that of a key that was replaced; the final one, or else the interim one, where no
/// kind is named.
package struct ShowKeyCertificate: AdminOperation {
  package static let route = AdminRoute.get("/v1/keys/certificate", "key", "kind")
  private let key: KeyIdentifier
  private let kind: RotationCertificate.Kind?

  package init(_ key: KeyIdentifier, _ kind: RotationCertificate.Kind?) {
    self.key = key
    self.kind = kind
  }

  package init(_ query: Query) throws(AdministrationError) {
    let kind = RotationCertificate.Kind.allCases.first { $0.rawValue == query["kind"] }
    guard let key = query["key"].flatMap({ KeyIdentifier($0) }),
      query["kind"] == nil || kind != nil
    else {
      throw .malformedRequest("a certificate is named by its key, and its kind where that matters")
    }
    self.init(key, kind)
  }

  package var fields: [Query.Field] { [("key", key.text), ("kind", kind?.rawValue)] }
  package var subject: AdminSubject { AdminSubject(key: key.text) }
  package var terms: AdminTerms { AdminTerms(.audit, .short, .document, .keysCertificate) }

  package func run(_ call: AdminCall) throws {
    for kind in kind.map({ [$0] }) ?? [.final, .interim] {
      let note = try call.store.read { try RotationCertificate.note(for: key, kind, in: $0) }
      guard let note else { continue }
      return try call.show { json in
        json.member("key", string: key.text)
        json.member("kind", string: kind.rawValue)
        json.member("note", string: note.encoded)
      }
    }
    throw AdministrationError.notFound(
      "there is no \(kind.map { "\($0.rawValue) " } ?? "")certificate of the key \(key.text): a "
        + "re-encryption leaves one when no card is left under the key, and a destruction")
  }
}

/// `keys public-key`: the public keys of the audit log, and how they succeed each other.
package struct ShowPublicKeys: PlainAdminOperation {
  package static let route = AdminRoute.get("/v1/keys/public-key")
  package var terms: AdminTerms {
    AdminTerms(.audit, .short, .document, .keysPublicKey, leavesEntry: false)
  }

  package init() {}

  package func run(_ call: AdminCall) throws { try call.show(call.publicKeys()) }
}

extension AdminCall {
  /// The document of `keys public-key`.
  func publicKeys() throws -> [UInt8] {
    let successions = try successions()
    let keys = try auditKeys()
    return JSONWriter.document { json in
      json.member("name", string: origin)
      json.member("keys", objects: keys) { json, each in
        let (entry, key) = each
        json.member("id", string: entry.identifier.text)
        json.member("state", string: entry.state.name)
        json.member("created", unixMilliseconds: Int64(clamping: entry.createdMilliseconds))
        json.member("verifier_key", string: key?.text)
      }
      json.member("successions", objects: successions) { json, succession in
        let time = Int64(clamping: succession.body.timeMilliseconds)
        json.member("old", string: succession.body.old.identifier.text)
        json.member("new", string: succession.body.new.identifier.text)
        json.member("time", unixMilliseconds: time, precision: .milliseconds)
        json.member("note", string: succession.note.encoded)
      }
    }
  }

  var origin: String { VerifierKey.name(ofStore: store.storeIdentifier.bytes) }

  /// The notes by which the keys of this log vouch for each other, the oldest first.
  private func successions() throws -> [(body: KeySuccession, note: SignedNote)] {
    let notes = try store.read { try KeySuccession.notes(in: $0) }
    let all = try notes.map { (body: try KeySuccession(parsing: $0.text), note: $0) }
    let chain = KeySuccession.chain(to: try signingKey().key, in: all.map(\.body))
    return chain.compactMap { body in all.first { $0.body == body } }
  }

  /// The key that signs for this log now.
  func signingKey() throws -> KeySuccession.Party {
    let signer = try keyring().signingKey()
    guard let key = VerifierKey(name: origin, publicKey: signer.key.publicKey) else {
      throw AuditError.cannotSign
    }
    return KeySuccession.Party(signer.identifier, key)
  }

  /// Every audit key with what verifies it; nil for one that has signed nothing of this log, since it
  /// was replaced in the store that this one was restored from.
  func auditKeys() throws -> [(KeyringEntry, VerifierKey?)] {
    let parties = try successions().flatMap { [$0.body.old, $0.body.new] } + [signingKey()]
    return try keyring().entries.filter(\.role.signs).map { entry in
      (entry, parties.first { $0.identifier == entry.identifier }?.key)
    }
  }
}
