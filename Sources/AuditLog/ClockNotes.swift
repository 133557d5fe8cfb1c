extension AuditEntry {
  /// The note that the clock went backwards.
  static let clockWentBackwards = AuditEntry(
    actor: .system, operation: .clock, outcome: .backwards)

  /// The note that the clock jumped ahead while the process ran.
  package static func clockJumped(bySeconds seconds: Int64) -> AuditEntry {
    AuditEntry(
      actor: .system, operation: .clock, outcome: .jumped, reason: "+\(seconds)s")
  }
}
