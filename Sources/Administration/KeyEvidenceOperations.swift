internal import AuditLog
internal import Cryptography
internal import JSON
internal import Keyring
internal import RecordFormat
internal import Storage
internal import Vault

/// How many events a history gives at most.
private let mostEvents = 4_096

extension Operations {
  /// The document of `keys certificate`.
  ///
  /// - Parameter kind: nil for the final certificate, or the interim one where there is no other.
  func keyCertificate(
    _ key: KeyIdentifier, _ kind: RotationCertificate.Kind?
  ) throws -> [UInt8] {
    let kinds = kind.map { [$0] } ?? [.final, .interim]
    for kind in kinds {
      let note = try store.read { try RotationCertificate.note(for: key, kind, in: $0) }
      guard let note else { continue }
      var json = JSONWriter()
      json.beginObject()
      json.member("key", string: key.text)
      json.member("kind", string: kind.rawValue)
      json.member("note", string: note.encoded)
      json.endObject()
      return json.bytes
    }
    throw AdministrationError.notFound(
      "there is no \(kind.map { "\($0.rawValue) " } ?? "")certificate of the key \(key.text): a "
        + "re-encryption leaves one when no card is left under the key, and a destruction")
  }

  /// The document of `keys public-key`.
  func publicKeys() throws -> [UInt8] {
    let successions = try successions()
    var json = JSONWriter()
    json.beginObject()
    json.member("name", string: origin)
    json.name("keys")
    json.beginArray()
    for (entry, key) in try auditKeys() {
      json.beginObject()
      json.member("id", string: entry.identifier.text)
      json.member("state", string: entry.state.name)
      json.member("created", unixMilliseconds: Int64(clamping: entry.createdMilliseconds))
      json.member("verifier_key", string: key?.text)
      json.endObject()
    }
    json.endArray()
    json.name("successions")
    json.beginArray()
    for succession in successions {
      let time = Int64(clamping: succession.body.timeMilliseconds)
      json.beginObject()
      json.member("old", string: succession.body.old.identifier.text)
      json.member("new", string: succession.body.new.identifier.text)
      json.member("time", unixMilliseconds: time, precision: .milliseconds)
      json.member("note", string: succession.note.encoded)
      json.endObject()
    }
    json.endArray()
    json.endObject()
    return json.bytes
  }

  var origin: String { VerifierKey.name(ofStore: store.storeIdentifier.bytes) }

  /// The notes by which audit keys vouch for each other, the oldest first.
  private func successions() throws -> [(body: KeySuccession, note: SignedNote)] {
    let notes = try store.read { try KeySuccession.notes(in: $0) }
    let successions = try notes.map { (body: try KeySuccession(parsing: $0.text), note: $0) }
    return successions.sorted { $0.body.timeMilliseconds < $1.body.timeMilliseconds }
  }

  /// Every audit key with what verifies it, where that is known.
  func auditKeys() throws -> [(KeyringEntry, VerifierKey?)] {
    let keyring = try keyring()
    let successions = try successions().map(\.body)
    return try keyring.entries.filter(\.role.signs).map { entry in
      guard entry.material == nil else {
        let signer = try keyring.signingKey(entry.identifier)
        return (entry, VerifierKey(name: origin, publicKey: signer.key.publicKey))
      }
      // Of a key whose secret is gone, what it and the key before it have signed still tells.
      let parties = successions.flatMap { [$0.old, $0.new] }
      return (entry, parties.first { $0.identifier == entry.identifier }?.key)
    }
  }

  /// The document of `keys history`: of every key, or of one.
  func keyHistory(_ key: KeyIdentifier?, into sink: Sink) throws -> [UInt8] {
    let reader = AuditReader(store)
    let size = try reader.size()
    var filter = AuditFilter()
    filter.hasKey = true
    var history = KeyHistory()
    var events: [KeyEvent] = []
    var omitted = 0
    var next: UInt64? = 0
    while let start = next, start < size {
      try sink(.progress(done: start, total: size))
      let page = try reader.page(from: start, below: size, filter: filter)
      for entry in page.entries {
        events += history.events(of: entry).filter { key == nil || $0.key == key }
      }
      if events.count > 2 * mostEvents {
        omitted += events.count - mostEvents
        events.removeFirst(events.count - mostEvents)
      }
      next = page.next
    }
    omitted += max(0, events.count - mostEvents)
    return Self.document(of: events.suffix(mostEvents), omitted: omitted)
  }

  private static func document(of events: ArraySlice<KeyEvent>, omitted: Int) -> [UInt8] {
    var json = JSONWriter()
    json.beginObject()
    json.name("events")
    json.beginArray()
    for event in events {
      json.beginObject()
      json.member("seq", integer: event.sequence)
      json.member(
        "time", unixMilliseconds: event.timeMilliseconds, precision: .milliseconds)
      json.member("key", string: event.key.text)
      json.member("role", string: event.role)
      json.member("event", string: event.event)
      json.member("actor", string: event.actor)
      json.member("approved_by", strings: event.approvers)
      json.member("reason", string: event.reason)
      json.endObject()
    }
    json.endArray()
    json.member("omitted", integer: omitted)
    json.endObject()
    return json.bytes
  }
}
