extension AuditEntry {
  /// The note that the clock went backwards.
  static let clockWentBackwards = AuditEntry(
    actor: systemActor, operation: clockOperation, outcome: "backwards")

  /// The note that the clock jumped ahead while the process ran.
  package static func clockJumped(bySeconds seconds: Int64) -> AuditEntry {
    AuditEntry(
      actor: systemActor, operation: clockOperation, outcome: "jumped",
      reason: "+\(seconds)s")
  }

  private static let clockOperation = "clock"
}
