internal import AuditLog
import Bytes
internal import JSON
internal import Storage

/// `audit prove`: proofs that entries are in the log, or that it goes on from a checkpoint.
package struct ProveAudit: AdminOperation {
  /// What is to be proved.
  package enum Subject: Equatable, Sendable {
    /// The entry with this sequence.
    case entry(UInt64)
    /// Every entry about this token.
    case token(String)
    /// That the log goes on from its first so many entries.
    case size(UInt64)
  }

  /// How many entries about one token are proved at most.
  private static let mostProofs = 1_000

  package static let route = AdminRoute.get("/v1/audit/prove", "seq", "token", "size")
  private let subject: Subject

  package init(_ subject: Subject) { self.subject = subject }

  package init(_ query: Query) throws(AdministrationError) {
    switch (query["seq"], query["token"], query["size"]) {
    case (_?, nil, nil): subject = .entry(try query.required("seq"))
    case (nil, let token?, nil): subject = .token(token)
    case (nil, nil, _?): subject = .size(try query.required("size"))
    default: throw Query.malformed
    }
  }

  package var fields: [Query.Field] {
    switch subject {
    case .entry(let sequence): [("seq", String(sequence))]
    case .token(let token): [("token", token)]
    case .size(let size): [("size", String(size))]
    }
  }

  package var terms: AdminTerms { AdminTerms(.audit, .long, .document, .auditProve) }

  package func run(_ call: AdminCall) throws {
    let proofs =
      switch subject {
      case .entry(let sequence): try call.entryProofs([sequence])
      case .token(let token): try call.entryProofs(sequences(about: token, in: call.store))
      case .size(let size): [try call.consistencyProof(from: size)]
      }
    try call.show { $0.member("proofs", strings: proofs) }
  }

  private func sequences(about token: String, in store: Store) throws -> [UInt64] {
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
      guard sequences.count <= Self.mostProofs else {
        throw AdministrationError.refused(
          "more than \(Self.mostProofs) entries are about this token: prove them by their sequences"
        )
      }
    }
    guard !sequences.isEmpty else {
      throw AdministrationError.notFound("no entry in the store is about this token")
    }
    return sequences
  }
}

extension AdminCall {
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

  fileprivate func entryProofs(_ sequences: [UInt64]) throws -> [String] {
    let size = try AuditReader(store).size()
    guard let last = sequences.max(), last < size else {
      throw AdministrationError.notFound("the log has \(size) entries, from 0 on")
    }
    let checkpoint = try checkpoint(covering: last + 1)
    return try store.read { transaction in
      try sequences.map { sequence in
        let key = sequence.bigEndianBytes
        let damage = "the entry \(sequence) is not what was logged; run: cadenas audit verify"
        guard let line = try transaction.get(unsafe key.span.bytes, in: .audit) else {
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
          line: unsafe line.withUnsafeBytes { unsafe [UInt8]($0) }, sequence: sequence,
          hashes: hashes, checkpoint: checkpoint
        ).text
      }
    }
  }

  fileprivate func consistencyProof(from size: UInt64) throws -> String {
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
