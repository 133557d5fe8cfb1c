internal import AuditLog
internal import Cryptography
internal import JSON

extension Operations {
  /// Gives the entries that `query` asks for, in pages.
  func showAudit(_ query: AuditQuery, into sink: Sink) throws {
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

  /// Recomputes the log; see ``AuditVerifier``.
  func verifyAudit(into sink: Sink) throws -> VerificationAnswer {
    let result = try recomputeLog(into: sink)
    return VerificationAnswer(isIntact: result.finding == nil, document: result.document)
  }

  /// Recomputes the log, and tells how far it is.
  func recomputeLog(into sink: Sink) throws -> AuditVerification {
    var failure: (any Error)?
    do {
      return try AuditVerifier.verify(store) { done, total in
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
  fileprivate var document: [UInt8] {
    var json = JSONWriter()
    json.beginObject()
    json.member("intact", boolean: finding == nil)
    json.member("size", integer: size)
    json.member("root", string: root?.hex)
    json.member("first_bad_sequence", integer: finding?.sequence)
    json.member("reason", string: finding?.reason.rawValue)
    json.member("detail", string: finding?.reason.explanation)
    json.endObject()
    return json.bytes
  }
}

extension AuditVerification.Reason {
  /// A sentence for an auditor.
  fileprivate var explanation: String {
    switch self {
    case .entryMissing: "the entry is missing"
    case .entryUnexpected: "an entry stands where none can be"
    case .entryMalformed: "the entry is not a line of JSON"
    case .sequenceMismatch: "the entry says another sequence than the one that it stands under"
    case .hashMismatch: "the entry does not have the hash that was noted when it was written"
    case .hashMissing: "the hash that was noted for the entry is missing or misplaced"
    case .treeMismatch: "entry and noted hash were changed together, here or after it"
    case .frontierUnreadable: "the tree's frontier is missing or cannot be read"
    }
  }
}
