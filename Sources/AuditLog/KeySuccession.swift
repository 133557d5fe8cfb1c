internal import Bytes
package import Cryptography
package import RecordFormat
package import Storage

/// What an audit key signs when another one takes its place, so that whoever trusts the old key can
/// trust the new one.
///
/// The text of the note, which the old key signs:
///
///     cadenas/key-succession/v1
///     time 2026-11-23T18:43:25.123Z
///     old KEYID VERIFIERKEY
///     new KEYID VERIFIERKEY
///
/// It is kept in `meta` under `succession/` and the new key's id. A key that somebody else may know
/// could have signed for anybody: what it signed counts until it was known to be compromised, which is
/// for the one who verifies to judge by ``timeMilliseconds`` and a checkpoint of that time.
package struct KeySuccession: Equatable, Sendable {
  /// The first line of the text.
  package static let title = "cadenas/key-succession/v1"
  private static let rowPrefix = "succession/"

  /// One of the two keys.
  package struct Party: Equatable, Sendable {
    /// Its name in the keyring.
    package let identifier: KeyIdentifier
    /// The key that verifies the signatures of this time.
    package let key: VerifierKey

    /// Names a key.
    package init(_ identifier: KeyIdentifier, _ key: VerifierKey) {
      self.identifier = identifier
      self.key = key
    }

    fileprivate init?(_ text: String) {
      let parts = text.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2, let identifier = KeyIdentifier(String(parts[0])),
        let key = VerifierKey(String(parts[1]))
      else { return nil }
      self.init(identifier, key)
    }

    fileprivate var text: String { "\(identifier.text) \(key.text)" }
  }

  /// When the new key took the old one's place, in Unix milliseconds.
  package let timeMilliseconds: UInt64
  /// The key that signs.
  package let old: Party
  /// The key that it vouches for.
  package let new: Party

  /// A succession that nobody has signed yet.
  package init(old: Party, new: Party, atMilliseconds: UInt64) {
    timeMilliseconds = atMilliseconds
    self.old = old
    self.new = new
  }

  /// Reads the text of a note.
  /// - Throws: ``AuditError/malformedNote(_:)``.
  package init(parsing text: String) throws(AuditError) {
    var body = try NoteBody(text, title: Self.title)
    timeMilliseconds = try body.value("time", NoteBody.time)
    old = try body.value("old", Party.init)
    new = try body.value("new", Party.init)
    try body.end()
    guard self.text == text else { throw .malformedNote("it is written in another form") }
  }

  /// The text of the note.
  package var text: String {
    "\(Self.title)\n" + NoteBody.line("time", unixMilliseconds: timeMilliseconds)
      + NoteBody.line("old", old.text) + NoteBody.line("new", new.text)
  }

  /// The note, signed with the old key.
  /// - Throws: ``AuditError/cannotSign``; ``AuditError/unverifiedNote(_:)`` where `key` is another
  ///   than the old one.
  package func signed(with key: borrowing Ed25519PrivateKey) throws(AuditError) -> SignedNote {
    guard key.publicKey == old.key.publicKey else {
      throw .unverifiedNote("a succession is signed by the key that is replaced")
    }
    return try SignedNote(signing: text, as: old.key.name, with: key)
  }

  /// Of `all`, the successions by which keys of one log lead to `last`, the oldest first.
  ///
  /// Those under another name are passed over: a restored store, whose log has a name of its own, keeps
  /// them of the log before, and neither of their keys has signed anything of this one.
  package static func chain(
    to last: VerifierKey, in all: [KeySuccession]
  ) -> [KeySuccession] {
    var chain: [KeySuccession] = []
    var first = last
    while let before = all.first(where: {
      $0.new.key == first && $0.old.key.name == last.name && !chain.contains($0)
    }) {
      chain.insert(before, at: 0)
      first = before.old.key
    }
    return chain
  }

  /// Follows the keys from one that is trusted to the one that nobody has replaced yet.
  ///
  /// Notes about other keys are passed over.
  /// - Returns: the keys in their order, `first` included.
  /// - Throws: ``AuditError/unverifiedNote(_:)`` where a note about one of the keys was not signed by
  ///   it, where a key vouches for two, or where the keys go round in a circle;
  ///   ``AuditError/malformedNote(_:)`` where a note is no succession.
  package static func walk(
    from first: VerifierKey, over notes: [SignedNote]
  ) throws(AuditError) -> [VerifierKey] {
    var successions: [VerifierKey: [(KeySuccession, SignedNote)]] = [:]
    for note in notes {
      let succession = try KeySuccession(parsing: note.text)
      successions[succession.old.key, default: []].append((succession, note))
    }
    var chain = [first]
    while let last = chain.last, let following = successions[last] {
      var next: VerifierKey?
      for (succession, note) in following {
        _ = try note.verified(by: [last])
        guard next == nil || next == succession.new.key else {
          throw .unverifiedNote("the key \(last.text) vouches for two successors")
        }
        next = succession.new.key
      }
      guard let next, !chain.contains(next) else {
        throw .unverifiedNote("the keys succeed each other in a circle")
      }
      chain.append(next)
    }
    return chain
  }
}

extension KeySuccession {
  /// Keeps a note, with the change of the keyring that it tells of.
  package static func save(
    _ note: SignedNote, for new: KeyIdentifier, in transaction: inout StoreWriteTransaction
  ) throws(StorageError) {
    let key = Array((rowPrefix + new.text).utf8)
    try transaction.put(key: key.rawSpan, value: Array(note.encoded.utf8).rawSpan, in: .meta)
  }

  /// Every note that is kept, in no particular order.
  /// - Throws: ``AuditError/store(_:)``, ``AuditError/malformedNote(_:)``.
  package static func notes(
    in transaction: borrowing some StoreReading & ~Copyable
  ) throws(AuditError) -> [SignedNote] {
    let prefix = Array(rowPrefix.utf8)
    var notes: [SignedNote] = []
    try transaction.forEach(in: .meta, from: prefix.rawSpan) {
      (key, value) throws(AuditError) in
      guard key.byteCount > prefix.count, key.starts(with: prefix) else { return false }
      notes.append(try SignedNote(parsing: value.array))
      return true
    }
    return notes
  }
}
