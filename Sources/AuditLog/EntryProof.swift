internal import Bytes
package import Cryptography

/// The proof that an entry is in the log: the entry itself, its path through the tree, and a signed
/// checkpoint. It needs nothing else but the log's public key.
///
///     c2sp.org/tlog-proof@v1
///     extra BASE64 of the entry's line
///     index SEQUENCE
///     one line of base 64 for each hash, from the leaf up
///
///     the checkpoint's note
///
/// - Source: C2SP tlog-proof.
package struct EntryProof: Equatable, Sendable {
  /// The first line.
  package static let title = "c2sp.org/tlog-proof@v1"

  /// The entry, without an end of line.
  package let line: [UInt8]
  /// Its sequence.
  package let sequence: UInt64
  /// The hashes, from the leaf up.
  package let hashes: [Digest256]
  /// The log when the proof was made, signed.
  package let checkpoint: SignedCheckpoint

  /// Puts a proof together.
  package init(
    line: [UInt8], sequence: UInt64, hashes: [Digest256], checkpoint: SignedCheckpoint
  ) {
    self.line = line
    self.sequence = sequence
    self.hashes = hashes
    self.checkpoint = checkpoint
  }

  /// Reads a proof; nothing is verified by that.
  /// - Throws: ``AuditError/malformedNote(_:)``.
  package init(parsing bytes: [UInt8]) throws(AuditError) {
    var body = try ProofText(bytes, title: Self.title)
    guard let line = Base64.decode((try body.value("extra")).utf8),
      let sequence = UInt64(canonical: try body.value("index"))
    else { throw .malformedNote("the entry of the proof, or its index, does not have its form") }
    self.init(
      line: line, sequence: sequence, hashes: try body.hashes(),
      checkpoint: try body.checkpoint())
  }

  /// The proof as it is written.
  package var text: String {
    "\(Self.title)\nextra \(Base64.encode(line))\nindex \(sequence)\n"
      + ProofText.end(hashes, checkpoint)
  }

  /// Verifies the checkpoint's signature, and that the entry is in the tree that it stands for.
  ///
  /// - Parameter keys: those of the log.
  /// - Returns: the entry and the key that signed.
  /// - Throws: ``AuditError/unverifiedNote(_:)``.
  package func verified(
    by keys: [VerifierKey]
  ) throws(AuditError) -> (entry: LoggedEntry, key: VerifierKey) {
    let key = try checkpoint.verified(by: keys)
    let leaf = MerkleHash.leaf(line.rawSpan)
    let root = MerkleProof.root(of: leaf, at: sequence, in: checkpoint.size, by: hashes)
    guard root == checkpoint.checkpoint.root else {
      throw .unverifiedNote("the entry is not in the tree of the checkpoint at \(sequence)")
    }
    guard let entry = LoggedEntry(line: line.rawSpan), entry.sequence == sequence else {
      throw .unverifiedNote("the entry cannot be read, or says another sequence")
    }
    return (entry, key)
  }
}

/// The proof that a log goes on from a checkpoint that somebody has kept.
///
///     old SIZE
///     one line of base 64 for each hash
///
///     the checkpoint's note
///
/// - Source: C2SP tlog-witness, "add-checkpoint": it is what a witness is sent.
package struct ConsistencyProof: Equatable, Sendable {
  /// How many entries the kept checkpoint covers.
  package let oldSize: UInt64
  /// The hashes.
  package let hashes: [Digest256]
  /// The later log, signed.
  package let checkpoint: SignedCheckpoint

  /// Puts a proof together.
  package init(oldSize: UInt64, hashes: [Digest256], checkpoint: SignedCheckpoint) {
    self.oldSize = oldSize
    self.hashes = hashes
    self.checkpoint = checkpoint
  }

  /// Reads a proof; nothing is verified by that.
  /// - Throws: ``AuditError/malformedNote(_:)``.
  package init(parsing bytes: [UInt8]) throws(AuditError) {
    var body = try ProofText(bytes, title: nil)
    guard let size = UInt64(canonical: try body.value("old")), size > 0 else {
      throw .malformedNote("the size of the proof does not have its form")
    }
    self.init(
      oldSize: size, hashes: try body.hashes(), checkpoint: try body.checkpoint())
  }

  /// The proof as it is written.
  package var text: String { "old \(oldSize)\n" + ProofText.end(hashes, checkpoint) }

  /// Verifies both signatures, and that the later log begins with the earlier one.
  ///
  /// - Parameter keys: those of the log.
  /// - Returns: the key that signed the later checkpoint.
  /// - Throws: ``AuditError/unverifiedNote(_:)``.
  package func verified(
    from old: SignedCheckpoint, by keys: [VerifierKey]
  ) throws(AuditError) -> VerifierKey {
    try old.verified(by: keys)
    let key = try checkpoint.verified(by: keys)
    guard old.checkpoint.origin == checkpoint.checkpoint.origin, old.size == oldSize else {
      throw .unverifiedNote("the proof is about another checkpoint than the one that was kept")
    }
    let isConsistent = MerkleProof.isConsistent(
      from: oldSize, old.checkpoint.root, to: checkpoint.size, checkpoint.checkpoint.root,
      by: hashes)
    guard isConsistent else {
      throw .unverifiedNote("the log does not go on from the checkpoint that was kept")
    }
    return key
  }
}

/// The lines of a proof: a head, hashes, an empty line, a checkpoint.
private struct ProofText {
  private var lines: ArraySlice<ArraySlice<UInt8>>
  private let note: [UInt8]

  init(_ bytes: [UInt8], title: String?) throws(AuditError) {
    guard bytes.count <= SignedNote.mostBytes,
      let end = bytes.indices.dropLast().first(where: {
        bytes[$0] == UInt8(ascii: "\n") && bytes[$0 + 1] == UInt8(ascii: "\n")
      })
    else { throw .malformedNote("it is no proof") }
    note = Array(bytes[(end + 2)...])
    lines =
      bytes[..<end].split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)[...]
    if let title, lines.popFirst()?.elementsEqual(title.utf8) != true {
      throw .malformedNote("it is no \(title)")
    }
  }

  mutating func value(_ name: String) throws(AuditError) -> String {
    let prefix = Array((name + " ").utf8)
    guard let line = lines.popFirst(), line.starts(with: prefix),
      let value = String(validating: line.dropFirst(prefix.count), as: UTF8.self)
    else { throw .malformedNote("a line \"\(name)\" is missing or in another place") }
    return value
  }

  mutating func hashes() throws(AuditError) -> [Digest256] {
    guard lines.count <= MerkleProof.mostHashes else {
      throw .malformedNote("the proof has too many hashes")
    }
    var hashes: [Digest256] = []
    while let line = lines.popFirst() {
      guard let bytes = Base64.decode(line), let hash = Digest256(bytes.rawSpan) else {
        throw .malformedNote("a hash of the proof does not have its form")
      }
      hashes.append(hash)
    }
    return hashes
  }

  func checkpoint() throws(AuditError) -> SignedCheckpoint { try SignedCheckpoint(parsing: note) }

  static func end(_ hashes: [Digest256], _ checkpoint: SignedCheckpoint) -> String {
    hashes.map { Base64.encode($0.bytes) + "\n" }.joined() + "\n" + checkpoint.note.encoded
  }
}

extension UInt64 {
  /// The number that decimal digits without leading zeros stand for.
  fileprivate init?(canonical text: String) {
    guard let number = UInt64(text), String(number) == text else { return nil }
    self = number
  }
}
