internal import AuditLog
internal import Cryptography
internal import JSON
internal import Storage
internal import SystemCalls
internal import VaultManagement

/// How full the store is: what status, metrics and `store stats` have in common.
private struct StoreFigures {
  let cards: UInt64
  let auditEntries: UInt64
  let size: StoreStatistics

  init(_ store: Store) throws {
    (cards, auditEntries) = try store.read { transaction in
      (UInt64(try transaction.count(of: .cards)), try AuditReader.size(in: transaction))
    }
    size = try store.statistics()
  }
}

/// What the journal has, and LMDB lacks.
private struct JournalReport {
  private let frames: UInt64
  private let ageMilliseconds: UInt64
  /// Why there is none, where there was no room for it.
  private let lack: String?

  init(_ store: Store) {
    let pending = store.pendingFrames
    frames = UInt64(pending.count)
    ageMilliseconds =
      frames > 0
      ? (SystemClock.monotonicNanoseconds() &- pending.sinceNanoseconds) / 1_000_000 : 0
    lack = store.journalLack.map(\.explanation)
  }

  func write(to json: inout JSONWriter) {
    json.member("in_use", boolean: lack == nil)
    json.member("lack", string: lack)
    json.member("frames", integer: frames)
    json.member("age_milliseconds", integer: ageMilliseconds)
  }

  var metrics: [Metric] {
    [
      Metric(
        "cadenas_journal_in_use", .gauge,
        "1 where batches go into the journal, 0 where there was no room for one.",
        lack == nil ? 1 : 0),
      Metric(
        "cadenas_journal_frames", .gauge,
        "Batches that are durable in the journal, and that cards.mdb does not have yet.",
        Int64(frames)),
      Metric(
        "cadenas_journal_age_seconds", .gauge, "How long the oldest of them has been there.",
        samples: [Metric.Sample(microseconds: Int64(ageMilliseconds) * 1_000)]),
    ]
  }
}

/// What `check` asks: the same as ``ShowStatus``, for whoever runs the service too, role or not. Else the
/// account that may read the files of the configuration would have to be told nothing of the keys.
package struct ShowOwnStatus: PlainAdminOperation {
  package static let route = AdminRoute.get("/v1/status/own")
  package var terms: AdminTerms {
    AdminTerms(.watch, .short, .document, .status, leavesEntry: false, isForOwner: true)
  }

  package init() {}

  package func run(_ call: AdminCall) throws { try ShowStatus().run(call) }
}

/// `status`: how the service is.
package struct ShowStatus: PlainAdminOperation {
  package static let route = AdminRoute.get("/v1/status")
  package var terms: AdminTerms {
    AdminTerms(.watch, .short, .document, .status, leavesEntry: false)
  }

  package init() {}

  package func run(_ call: AdminCall) throws {
    guard let service = call.hooks.service?() else {
      throw AdministrationError.unavailable("no service is running")
    }
    // Before a snapshot, for which LMDB is committed.
    let journal = JournalReport(call.store)
    let figures = try StoreFigures(call.store)
    let room = try RoomReport(call)
    try call.answer { json in
      json.member("state", string: service.state.rawValue)
      json.member("version", string: service.version)
      service.build.write(to: &json)
      json.member("development", boolean: service.isDevelopment)
      json.member("pid", integer: service.processIdentifier)
      json.member("started", unixMilliseconds: service.startedMilliseconds)
      json.member("uptime_seconds", integer: service.uptimeSeconds)
      json.member("listen", string: service.listen)
      json.member("connections", integer: service.connections)
      json.member("payments_in_flight", integer: service.paymentsInFlight)
      json.member("policy_generation", integer: service.policyGeneration)
      json.member("store", string: call.store.identifierText)
      json.member("cards", integer: figures.cards)
      json.member("audit_entries", integer: figures.auditEntries)
      json.member("store_used_bytes", integer: figures.size.usedBytes)
      json.member("store_map_bytes", integer: figures.size.mapBytes)
      json.name("journal")
      json.object { journal.write(to: &$0) }
      json.member("open_files_limit", integer: service.openFilesLimit)
      json.member("locked_memory_limit_bytes", integer: service.lockedMemoryLimitBytes)
      room.write(to: &json)
      if let vault = call.hooks.vault { Self.writeHealth(of: vault, to: &json) }
      try call.writeKeyMembers(&json)
      call.writeAlarms(to: &json)
    }
  }
}

extension ShowStatus {
  /// Writes what is known of damage: how far the look at the whole store is, what the last one found, and
  /// what has happened to the index.
  private static func writeHealth(of vault: VaultManager, to json: inout JSONWriter) {
    let check = vault.storeCheck
    json.name("store_check")
    json.object { json in
      json.member("running", boolean: check.isRunning)
      json.member("done", integer: check.done)
      json.member("total", integer: check.total)
      json.member(
        "ended",
        string: check.endedMilliseconds.map {
          RFC3339.string(unixMilliseconds: Int64(clamping: $0), precision: .seconds)
        })
      json.member("damaged", integer: check.damaged)
      json.member("second_tokens", integer: check.secondTokens)
    }
    let history = vault.indexHistory
    json.name("index")
    json.object { json in
      json.member("losses", integer: history.losses)
      json.member("last_loss", string: history.lastLoss)
      json.member("failed_writes", integer: history.failedWrites)
      json.member("last_failure", string: history.lastFailure)
      json.member("left_out", integer: history.leftOut)
    }
  }

  /// The same for `metrics`.
  fileprivate static func healthMetrics(of vault: VaultManager) -> [Metric] {
    let (check, history) = (vault.storeCheck, vault.indexHistory)
    return [
      Metric(
        "cadenas_store_check_running", .gauge, "1 while the whole store is being read.",
        check.isRunning ? 1 : 0),
      Metric(
        "cadenas_store_check_end_seconds", .gauge,
        "Unix time at which the whole store was last read to its end; 0 before that.",
        Int64(clamping: (check.endedMilliseconds ?? 0) / 1_000)),
      Metric(
        "cadenas_store_damaged", .gauge,
        "Records and kept answers that were found damaged when the store was last read.",
        Int64(clamping: check.damaged)),
      Metric(
        "cadenas_second_tokens", .gauge,
        "Cards that were found to have two tokens when the store was last read.",
        Int64(clamping: check.secondTokens)),
      Metric(
        "cadenas_index_left_out", .gauge,
        "Records that do not open and that the fingerprint index has no entry for: their cards would get a "
          + "second token.",
        Int64(history.leftOut)),
      Metric(
        "cadenas_index_losses_total", .counter,
        "How often the fingerprint index could not be used any more, and was built anew.",
        Int64(history.losses)),
      Metric(
        "cadenas_index_failed_writes_total", .counter,
        "Transactions of the fingerprint index that could not be written.",
        Int64(history.failedWrites)),
    ]
  }
}

/// `metrics`: the store's figures, then the service's own, for Prometheus.
package struct ShowMetrics: PlainAdminOperation {
  package static let route = AdminRoute.get("/v1/metrics")
  package var terms: AdminTerms {
    AdminTerms(.watch, .short, .metrics, .metrics, leavesEntry: false)
  }

  package init() {}

  package func run(_ call: AdminCall) throws {
    // Before a snapshot, for which LMDB is committed.
    let journal = JournalReport(call.store)
    let figures = try StoreFigures(call.store)
    var metrics =
      journal.metrics + [
        Metric("cadenas_cards", .gauge, "Cards in the store.", Int64(figures.cards)),
        Metric(
          "cadenas_audit_entries", .gauge, "Entries of the audit log.", Int64(figures.auditEntries)),
        Metric(
          "cadenas_store_file_bytes", .gauge,
          "Length of cards.mdb.",
          Int64(figures.size.fileBytes)),
        Metric(
          "cadenas_store_used_bytes", .gauge,
          "Bytes of cards.mdb that hold pages, free ones included.", Int64(figures.size.usedBytes)),
        Metric(
          "cadenas_store_map_bytes", .gauge, "Bytes that cards.mdb may grow to.",
          Int64(figures.size.mapBytes)),
      ]
    if let service = call.hooks.service?() {
      metrics += [
        Metric(
          "cadenas_serving", .gauge, "1 while requests are answered, 0 otherwise.",
          service.state == .serving ? 1 : 0),
        Metric(
          "cadenas_uptime_seconds", .gauge, "Seconds since the service started.",
          service.uptimeSeconds),
      ]
    }
    metrics += try RoomReport(call).metrics
    if let vault = call.hooks.vault { metrics += ShowStatus.healthMetrics(of: vault) }
    metrics += try call.keyMetrics() + call.alarmMetrics() + (call.hooks.metrics?() ?? [])
    try call.sink(.metrics(Metric.text(metrics)))
  }
}

extension Store {
  /// The store's identifier in hexadecimal.
  var identifierText: String { storeIdentifier.bytes.hexadecimal }
}
