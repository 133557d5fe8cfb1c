// The section `audit`: where checkpoints of the log go, and how long its entries stay at hand.

/// What is done with the audit log beside writing it.
package struct AuditSettings: Equatable, Sendable {
  /// How often a checkpoint may be published: every second to once a day.
  package static let allowedCheckpointSeconds = 1...86_400
  /// How long entries may have to stay at hand: up to ten years.
  package static let allowedKeepSeconds: ClosedRange<UInt64> = 0...3_650 * 86_400

  /// The least that three months have.
  package static let threeMonthsSeconds: UInt64 = 90 * 86_400

  /// The absolute path of the file that the newest checkpoint is written to; it is meant to lie on
  /// another host's disk.
  package var checkpointPath: String?
  /// Seconds between two checkpoints that are published.
  package var checkpointSeconds = 60
  /// Seconds for which entries are never archived: 92 days, three months.
  package var keepAtHandSeconds: UInt64 = 92 * 86_400

  /// What holds where nothing is said.
  package init() {}
}

extension ConfigurationLoader {
  func audit(_ reader: MappingReader) -> AuditSettings {
    var settings = AuditSettings()
    guard let section = reader.mapping("audit") else { return settings }
    if section.has("checkpoint_file") {
      settings.checkpointPath = requiredPath(section, "checkpoint_file")
    }
    if let seconds = section.integer(
      "checkpoint_seconds", in: AuditSettings.allowedCheckpointSeconds)
    {
      settings.checkpointSeconds = seconds
    }
    if let seconds = duration(section, "keep_at_hand", AuditSettings.allowedKeepSeconds) {
      settings.keepAtHandSeconds = seconds
    }
    section.finish()
    return settings
  }
}
