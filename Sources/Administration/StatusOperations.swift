internal import AuditLog
internal import Cryptography
internal import JSON
internal import Storage

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

/// `status`: how the service is.
package struct ShowStatus: PlainAdminOperation {
  package static let route = AdminRoute.get("/v1/status")
  package var terms: AdminTerms {
    AdminTerms(.auditor, .short, .document, .status, leavesEntry: false)
  }

  package init() {}

  package func run(_ call: AdminCall) throws {
    guard let service = call.hooks.service?() else {
      throw AdministrationError.unavailable("no service is running")
    }
    let figures = try StoreFigures(call.store)
    let room = try RoomReport(call)
    try call.answer { json in
      json.member("state", string: service.state.rawValue)
      json.member("version", string: service.version)
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
      json.member("open_files_limit", integer: service.openFilesLimit)
      json.member("locked_memory_limit_bytes", integer: service.lockedMemoryLimitBytes)
      room.write(to: &json)
      try call.writeKeyMembers(&json)
      call.writeAlarms(to: &json)
    }
  }
}

/// `metrics`: the store's figures, then the service's own, for Prometheus.
package struct ShowMetrics: PlainAdminOperation {
  package static let route = AdminRoute.get("/v1/metrics")
  package var terms: AdminTerms {
    AdminTerms(.auditor, .short, .metrics, .metrics, leavesEntry: false)
  }

  package init() {}

  package func run(_ call: AdminCall) throws {
    let figures = try StoreFigures(call.store)
    var metrics = [
      Metric("cadenas_cards", .gauge, "Cards in the store.", Int64(figures.cards)),
      Metric(
        "cadenas_audit_entries", .gauge, "Entries of the audit log.", Int64(figures.auditEntries)),
      Metric(
        "cadenas_store_file_bytes", .gauge,
        "Length of cards.mdb, of which up to 1.25 MiB are written ahead.",
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
    metrics += try call.keyMetrics() + call.alarmMetrics() + (call.hooks.metrics?() ?? [])
    try call.sink(.metrics(Metric.text(metrics)))
  }
}

extension Store {
  /// The store's identifier in hexadecimal.
  var identifierText: String { storeIdentifier.bytes.hexadecimal }
}
