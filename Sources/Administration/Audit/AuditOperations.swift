internal import AuditLog
internal import Cryptography
internal import Glibc
internal import JSON
internal import Vault

extension Operations {
  /// Does what is asked about the audit log.
  func audit(_ request: AuditRequest, actor: String, into sink: Sink) throws {
    switch request {
    case .show(let query):
      if query.follows, hooks.vault == nil {
        throw AdministrationError.refused(
          "no service is running: nothing is written that could be followed")
      }
      try record(.audit(request), actor, .done)
      try query.follows ? followAudit(query, into: sink) : showAudit(query, into: sink)
    case .verify(let since):
      let result = try recomputeLog(since: since, into: sink)
      try record(.audit(request), actor, result.finding == nil ? .intact : .changed)
      try sink(.document(result.document))
    case .report(let from, let to):
      let result = try auditReport(from: from, to: to, actor: actor, into: sink)
      try record(.audit(request), actor, result.isIntact ? .intact : .changed)
      try sink(.document(result.document))
    case .checkpoint:
      // Before it is signed, so that the checkpoint covers it.
      try record(.audit(request), actor, .done)
      try sink(.document(checkpointDocument()))
    case .prove(let subject): try give(proofs(of: subject), for: .audit(request), actor, into: sink)
    case .export:
      try record(.audit(request), actor, .done)
      try export(into: sink)
    case .archivable(let time): try sink(.document(archivable(before: time)))
    case .archive(let below, let export):
      try sink(.document(try archive(below: below, export: export, actor: actor, into: sink)))
    }
  }

  /// Gives the entries that `query` asks for, in pages.
  private func showAudit(_ query: AuditQuery, into sink: Sink) throws {
    let reader = AuditReader(store)
    // What is written from now on, this command's own entry included or not, has no end.
    let size = try reader.size()
    var rest = query.limit ?? Int.max
    let isReversed = query.limit != nil
    var next: UInt64? = isReversed && size > 0 ? size - 1 : 0
    while let start = next, start < size, rest > 0 {
      let limit = min(rest, AuditLimits.linesInOneTransaction)
      let page = try reader.page(
        from: start, below: size, reversed: isReversed, limit: limit, filter: query.filter)
      rest -= page.count
      if page.count > 0 { try sink(.lines(page.lines)) }
      next = page.next
    }
  }

  private static let newestWhenFollowing = 10
  private static let lookMicroseconds: UInt32 = 100_000
  /// Looks without an entry after which an empty line tells that the service is still there, and
  /// finds out whether somebody still listens.
  private static let quietLooks = 10

  /// Gives the newest entries that `query` asks for, in the order of the log, and then every new one,
  /// until the sink throws.
  private func followAudit(_ query: AuditQuery, into sink: Sink) throws {
    let reader = AuditReader(store)
    var next = try reader.size()
    var newest = query
    newest.limit = query.limit ?? Self.newestWhenFollowing
    var lines: [ArraySlice<UInt8>] = []
    try showAudit(newest) { part in
      guard case .lines(let bytes) = part else { return }
      lines += bytes.split(separator: UInt8(ascii: "\n"))
    }
    if !lines.isEmpty { try sink(.lines(lines.reversed().flatMap { $0 + [UInt8(ascii: "\n")] })) }
    var quiet = 0
    while true {
      let size = try reader.size()
      quiet = next < size ? 0 : quiet + 1
      while next < size {
        let page = try reader.page(from: next, below: size, filter: query.filter)
        if page.count > 0 { try sink(.lines(page.lines)) }
        next = page.next ?? size
      }
      if quiet >= Self.quietLooks {
        try sink(.lines([UInt8(ascii: "\n")]))
        quiet = 0
      }
      usleep(Self.lookMicroseconds)
    }
  }

  /// Recomputes the log, and tells how far it is.
  func recomputeLog(
    since: SignedCheckpoint? = nil, into sink: Sink
  ) throws -> AuditVerification {
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
    var json = JSONWriter()
    json.beginObject()
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
    json.endObject()
    return json.bytes
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
