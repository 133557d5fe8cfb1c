internal import AuditLog
internal import Bytes
internal import Cryptography
internal import Glibc
internal import JSON
internal import Keyring
internal import Storage
internal import Vault

/// How many entries about one token are proved at most.
private let mostProofs = 1_000

extension Operations {
  /// The keys of the log, every one that is known; none while the keyring is closed.
  func logKeys() throws -> [VerifierKey] {
    guard hooks.vault?.isSealed != true, (try? keyring()) != nil else { return [] }
    return try auditKeys().compactMap(\.1)
  }

  /// A signed checkpoint of now, or the newest that is kept.
  func currentCheckpoint() throws -> SignedCheckpoint {
    if let vault = hooks.vault, !vault.isSealed { return try vault.signCheckpoint() }
    if let newest = try store.read({ try KeptCheckpoints.newest(in: $0) }) { return newest }
    throw AdministrationError.unavailable(
      "no checkpoint has been signed yet: the service signs one when its keyring is open")
  }

  /// The newest checkpoint that is kept where it covers `size` entries, or one that is signed now.
  private func checkpoint(covering size: UInt64) throws -> SignedCheckpoint {
    if let newest = try store.read({ try KeptCheckpoints.newest(in: $0) }), newest.size >= size {
      return newest
    }
    let signed = try currentCheckpoint()
    guard signed.size >= size else {
      let log = try AuditReader(store).size()
      guard log >= size else {
        throw AdministrationError.notFound("the log has \(log) entries")
      }
      throw AdministrationError.unavailable(
        "no checkpoint covers this yet: the service signs one when its keyring is open")
    }
    return signed
  }

  /// The document of `audit checkpoint`.
  func checkpointDocument() throws -> [UInt8] {
    let signed = try currentCheckpoint()
    let size = try AuditReader(store).size()
    var json = JSONWriter()
    json.beginObject()
    json.member("origin", string: signed.checkpoint.origin)
    json.member("size", integer: signed.size)
    json.member("root", string: signed.checkpoint.root.hex)
    json.member("note", string: signed.note.encoded)
    json.member("entries_after", integer: size - min(size, signed.size))
    json.endObject()
    return json.bytes
  }

  /// The document of `audit prove`: the texts of proofs.
  func proofs(of subject: AuditRequest.Subject) throws -> [UInt8] {
    var json = JSONWriter()
    json.beginObject()
    switch subject {
    case .entry(let sequence):
      json.member("proofs", strings: try entryProofs([sequence]))
    case .token(let token): json.member("proofs", strings: try entryProofs(sequences(about: token)))
    case .size(let size): json.member("proofs", strings: [try consistencyProof(from: size)])
    }
    json.endObject()
    return json.bytes
  }

  private func sequences(about token: String) throws -> [UInt64] {
    let reader = AuditReader(store)
    let size = try reader.size()
    var filter = AuditFilter()
    filter.token = token
    var sequences: [UInt64] = []
    var next: UInt64? = 0
    while let start = next, start < size {
      let page = try reader.page(from: start, below: size, filter: filter)
      sequences += page.entries.map(\.sequence)
      next = page.next
      guard sequences.count <= mostProofs else {
        throw AdministrationError.refused(
          "more than \(mostProofs) entries are about this token: prove them by their sequences")
      }
    }
    guard !sequences.isEmpty else {
      throw AdministrationError.notFound("no entry in the store is about this token")
    }
    return sequences
  }

  private func entryProofs(_ sequences: [UInt64]) throws -> [String] {
    let size = try AuditReader(store).size()
    guard let last = sequences.max(), last < size else {
      throw AdministrationError.notFound("the log has \(size) entries, from 0 on")
    }
    let checkpoint = try checkpoint(covering: last + 1)
    return try store.read { transaction in
      try sequences.map { sequence in
        let key = sequence.bigEndianBytes
        let damage = "the entry \(sequence) is not what was logged; run: cadenas audit verify"
        guard let line = try transaction.get(key.rawSpan, in: .audit) else {
          let mark = try ArchiveMark.read(in: transaction)
          let isArchived = mark.map { sequence < $0.below } ?? false
          throw isArchived
            ? AdministrationError.notFound(
              "the entry \(sequence) is archived: it is in its export")
            : AdministrationError.refused(damage)
        }
        let path = MerkleProof.inclusion(of: sequence, in: checkpoint.size)
        let hashes = try LogTree.hashes(of: path, in: transaction)
        let root = MerkleProof.root(
          of: MerkleHash.leaf(line), at: sequence, in: checkpoint.size, by: hashes)
        guard root == checkpoint.checkpoint.root else {
          throw AdministrationError.refused(damage)
        }
        return EntryProof(
          line: line.array, sequence: sequence,
          hashes: hashes, checkpoint: checkpoint
        ).text
      }
    }
  }

  private func consistencyProof(from size: UInt64) throws -> String {
    guard size > 0 else {
      throw AdministrationError.malformedRequest("a checkpoint of nothing proves nothing")
    }
    let checkpoint = try checkpoint(covering: size)
    let path = MerkleProof.consistency(from: size, to: checkpoint.size)
    let hashes = try store.read { (transaction) throws(AuditError) in
      try LogTree.hashes(of: path, in: transaction)
    }
    return ConsistencyProof(oldSize: size, hashes: hashes, checkpoint: checkpoint).text
  }
}

// MARK: - Exports and the archive

extension Operations {
  private static let checkpointsInOneRead = 1_024

  /// Gives what an export holds, a line each: `{"checkpoint":NOTE}`, first the one that it ends with,
  /// then every other that is kept; `{"keys":DOCUMENT}`, that of `keys public-key`; the lines of the
  /// entries, see ``ExportVerifier``.
  func export(into sink: Sink) throws {
    let newest = try currentCheckpoint()
    let keys = try publicKeys()
    try sink(.lines(Self.checkpointLine(newest.note.encoded)))
    var next: UInt64 = 0
    while next < newest.size {
      let rows = try store.read { (transaction) throws(AuditError) in
        try KeptCheckpoints.rows(
          from: next, limit: Self.checkpointsInOneRead, in: transaction)
      }
      for row in rows where row.size < newest.size {
        try sink(.lines(Self.checkpointLine(String(decoding: row.note, as: UTF8.self))))
      }
      next = rows.last.map { $0.size + 1 } ?? newest.size
    }
    try sink(.lines(Array("{\"keys\":".utf8) + keys + Array("}\n".utf8)))
    let lines = ExportLines(store)
    var sequence: UInt64 = 0
    while sequence < newest.size {
      let page = try lines.page(from: sequence, below: newest.size)
      try sink(.lines(page.bytes))
      sequence = page.next
    }
  }

  private static func checkpointLine(_ note: String) -> [UInt8] {
    var json = JSONWriter()
    json.beginObject()
    json.member("checkpoint", string: note)
    json.endObject()
    return json.bytes + [UInt8(ascii: "\n")]
  }

  /// The document of what could be archived: the size of the last checkpoint that covers only entries
  /// from before `time`, and from before those that have to stay at hand.
  func archivable(before time: Int64) throws -> [UInt8] {
    let limit = min(time, archiveLimit)
    let (rows, mark) = try store.read { (transaction) throws(AuditError) in
      (
        try KeptCheckpoints.rows(limit: .max, in: transaction),
        try ArchiveMark.read(in: transaction)
      )
    }
    // The newest may be gone in a second.
    let last = try rows.dropLast().reversed().first { row in
      try row.size > mark?.below ?? 0 && endsBefore(limit, size: row.size)
    }
    var json = JSONWriter()
    json.beginObject()
    json.member("below", integer: last?.size)
    json.member("archived_below", integer: mark?.below ?? 0)
    json.member("before", unixMilliseconds: limit)
    json.endObject()
    return json.bytes
  }

  /// The time before which entries need not stay at hand, in Unix milliseconds.
  private var archiveLimit: Int64 {
    Int64(clamping: now) - Int64(clamping: hooks.keepAtHandSeconds) * 1_000
  }

  /// Whether the last of the first `size` entries was written before a time.
  private func endsBefore(_ milliseconds: Int64, size: UInt64) throws -> Bool {
    guard size > 0 else { return false }
    let last = try AuditReader(store).page(from: size - 1, below: size).entries.first
    return last.map { $0.timeMilliseconds < milliseconds } ?? false
  }

  /// Archives, and gives the document of it.
  func archive(
    below: UInt64, export: Digest256, actor: String, into sink: Sink
  ) throws -> [UInt8] {
    guard let vault = hooks.vault else {
      throw AdministrationError.refused("start the service first: it archives what it keeps")
    }
    guard try endsBefore(archiveLimit, size: below) else {
      throw AdministrationError.refused(
        "entries of the last \(hooks.keepAtHandSeconds / 86_400) days stay at hand "
          + "(audit.keep_at_hand)")
    }
    let mark: ArchiveMark
    do {
      mark = try vault.archive(below: below, export: export, actor: actor) { done, total in
        try sink(.progress(done: done, total: total))
      }
    } catch let problem as ArchiveProblem {
      throw AdministrationError.refused(problem.explanation)
    }
    var json = JSONWriter()
    json.beginObject()
    json.member("below", integer: mark.below)
    json.member("kept", integer: mark.kept.count)
    json.endObject()
    return json.bytes
  }
}

extension ArchiveProblem {
  /// A sentence for an operator.
  fileprivate var explanation: String {
    switch self {
    case .noCheckpoint: "no checkpoint of that size is kept, so nothing can end there"
    case .archivedAlready(let below): "entries before \(below) are archived already"
    case .paymentUnderWay(let sequence):
      "the payment that entry \(sequence) begins has no outcome yet; try again when it has"
    case .anotherExport:
      "the export does not hold what the log does: nothing was removed; export anew"
    }
  }
}
