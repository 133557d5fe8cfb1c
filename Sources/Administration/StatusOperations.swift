internal import AuditLog
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

extension Operations {
  /// The document of `status`.
  func status() throws -> [UInt8] {
    guard let service = hooks.service?() else {
      throw AdministrationError.unavailable("no service is running")
    }
    let figures = try StoreFigures(store)
    var json = JSONWriter()
    json.beginObject()
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
    json.member("store", string: store.identifierText)
    json.member("cards", integer: figures.cards)
    json.member("audit_entries", integer: figures.auditEntries)
    json.member("store_used_bytes", integer: figures.size.usedBytes)
    json.member("store_map_bytes", integer: figures.size.mapBytes)
    try writeKeyMembers(&json)
    writeAlarms(to: &json)
    json.endObject()
    return json.bytes
  }

  /// The figures of `metrics`: the store's, then the service's own.
  func metrics() throws -> [Metric] {
    let figures = try StoreFigures(store)
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
    if let service = hooks.service?() {
      metrics += [
        Metric(
          "cadenas_serving", .gauge, "1 while requests are answered, 0 otherwise.",
          service.state == .serving ? 1 : 0),
        Metric(
          "cadenas_uptime_seconds", .gauge, "Seconds since the service started.",
          service.uptimeSeconds),
      ]
    }
    return metrics + (try keyMetrics()) + alarmMetrics() + (hooks.metrics?() ?? [])
  }
}

extension Store {
  /// The store's identifier in hexadecimal.
  var identifierText: String {
    storeIdentifier.bytes.map { byte in
      let digits = String(byte, radix: 16)
      return digits.count == 1 ? "0" + digits : digits
    }.joined()
  }
}
