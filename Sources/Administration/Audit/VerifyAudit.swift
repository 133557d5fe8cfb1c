package import AuditLog
internal import Cryptography
internal import JSON

/// `audit verify`: recomputes the log, or what came after a checkpoint that was kept.
package struct VerifyAudit: AdminOperation {
  package static let route = AdminRoute.post("/v1/audit/verify", "since")
  private let since: SignedCheckpoint?

  package init(since: SignedCheckpoint?) { self.since = since }

  package init(_ query: Query) throws(AdministrationError) {
    do throws(AuditError) {
      since = try query["since"].map { (text) throws(AuditError) in
        try SignedCheckpoint(parsing: Array(text.utf8))
      }
    } catch { throw .malformedRequest("what was given is no signed checkpoint") }
  }

  package var fields: [Query.Field] { [("since", since?.note.encoded)] }
  package var terms: AdminTerms { AdminTerms(.audit, .long, .progress, .auditVerify) }

  package func run(_ call: AdminCall) throws {
    let result = try call.recomputeLog(since: since)
    try call.record(result.finding == nil ? .intact : .changed)
    try call.answer(result.document)
  }
}

extension AdminCall {
  /// Recomputes the log, and tells how far it is.
  func recomputeLog(since: SignedCheckpoint? = nil) throws -> AuditVerification {
    var failure: (any Error)?
    if let since, since.checkpoint.origin != origin {
      throw AdministrationError.malformedRequest(
        "the checkpoint is of another log (\(since.checkpoint.origin)) than this one (\(origin))")
    }
    let trust = AuditVerifier.Trust(since: since, keys: try logKeys())
    do {
      return try AuditVerifier.verify(store, trusting: trust) { done, total in
        do {
          try sink(.progress(done: done, total: total))
          return true
        } catch {
          failure = error
          return false
        }
      }
    } catch {
      throw failure ?? error
    }
  }
}

extension AuditVerification {
  /// The document of `audit verify`.
  package var document: [UInt8] {
    JSONWriter.document { json in
      json.member("intact", boolean: finding == nil)
      json.member("size", integer: size)
      json.member("root", string: root?.hex)
      json.member("first_bad_sequence", integer: finding?.sequence)
      json.member("reason", string: finding?.reason.rawValue)
      json.member("detail", string: finding?.reason.explanation)
      json.member("since", integer: since)
      json.member("archived", integer: archived)
      json.member("checkpoints", integer: checkpoints)
      json.member("signatures_verified", integer: signatures)
      json.member("covered", integer: covered)
    }
  }
}

extension AuditVerification.Reason {
  /// A sentence for an auditor.
  package var explanation: String {
    switch self {
    case .entryMissing: "the entry is missing"
    case .entryUnexpected: "an entry stands where none can be"
    case .entryMalformed: "the entry is not a line of JSON"
    case .sequenceMismatch: "the entry says another sequence than the one that it stands under"
    case .hashMismatch: "the entry does not have the hash that was noted when it was written"
    case .hashMissing: "the hash that was noted for the entry is missing or misplaced"
    case .nodeMismatch: "a noted hash over many entries is missing, or is not that of the entries"
    case .treeMismatch: "entry and noted hash were changed together, here or after it"
    case .frontierUnreadable: "the tree's frontier is missing or cannot be read"
    case .logShortened: "the log ends here, and a checkpoint covers more: it was cut or rolled back"
    case .checkpointMismatch:
      "the log agrees with itself and not with a checkpoint: it was written anew, here or after it"
    case .checkpointInvalid:
      "a checkpoint that covers the entry cannot be read, is of another log, or its signature is "
        + "not valid"
    case .signatureMissing:
      "no signed checkpoint covers this, nor what was written in the minute after it"
    case .archiveMismatch:
      "lines are missing, and the log does not tell that just these were archived"
    }
  }
}
