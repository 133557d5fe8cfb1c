internal import AuditLog
internal import Cryptography
internal import JSON
internal import Keyring
internal import RecordFormat
internal import Storage
internal import Vault

extension Operations {
  /// The longest period of a report, in milliseconds: four hundred days.
  package static let longestReport: Int64 = 400 * 86_400_000

  /// Verifies the log and makes the report of a period: `{"html": …, "intact": …}`.
  func auditReport(
    from: Int64, to: Int64, actor: String, into sink: Sink
  ) throws -> VerificationAnswer {
    let verification = try recomputeLog(into: sink)
    let contents = ReportContents(
      verification: verification, checkpoint: try? currentCheckpoint(), from: from, to: to,
      statistics: try statistics(from: from, to: to, size: verification.size, into: sink),
      origin: VerifierKey.name(ofStore: store.storeIdentifier.bytes),
      signingKey: try signingKey(), keys: (try? openKeyStatuses()) ?? [],
      custodians: try CustodianSet.read(in: store), backups: try backupFacts(),
      madeMilliseconds: Int64(clamping: now), madeFor: actor,
      version: hooks.service?().version ?? hooks.version)
    let isIntact = verification.finding == nil
    var json = JSONWriter()
    json.beginObject()
    json.member("intact", boolean: isIntact)
    json.member("size", integer: verification.size)
    json.member("entries", integer: contents.statistics.entries)
    json.member(
      "html", string: String(decoding: ReportPage(contents: contents).bytes, as: UTF8.self))
    json.endObject()
    return VerificationAnswer(isIntact: isIntact, document: json.bytes)
  }

  private func statistics(
    from: Int64, to: Int64, size: UInt64, into sink: Sink
  ) throws -> AuditStatistics {
    let reader = AuditReader(store)
    var statistics = AuditStatistics()
    var before = AuditFilter()
    before.toMilliseconds = from
    before.hasKey = true
    try visit(reader, below: size, before, sink) { statistics.passOver($0) }
    var during = AuditFilter()
    during.fromMilliseconds = from
    during.toMilliseconds = to
    try visit(reader, below: size, during, sink) { statistics.add($0) }
    return statistics
  }

  private func visit(
    _ reader: AuditReader, below size: UInt64, _ filter: AuditFilter, _ sink: Sink,
    _ body: (LoggedEntry) -> Void
  ) throws {
    var next: UInt64? = 0
    while let start = next, start < size {
      let page = try reader.page(from: start, below: size, filter: filter)
      for entry in page.entries { body(entry) }
      next = page.next
      try sink(.progress(done: next ?? size, total: size))
    }
  }

  private func signingKey() throws -> String? {
    guard hooks.vault?.isSealed != true, let keyring = try? keyring() else { return nil }
    let name = VerifierKey.name(ofStore: store.storeIdentifier.bytes)
    return VerifierKey(name: name, publicKey: try keyring.signingKey().key.publicKey)?.text
  }

  private func backupFacts() throws -> [ReportContents.BackupFact] {
    try store.read { try BackupRecord.all(in: $0) }.map {
      ReportContents.BackupFact(
        identifier: $0.identifier.text, state: $0.state.name,
        madeMilliseconds: Int64(clamping: $0.beganMilliseconds), actor: $0.actor)
    }
  }
}
