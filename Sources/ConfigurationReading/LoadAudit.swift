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

  /// Where every entry goes as it is written; nil where nowhere.
  package var stream: Stream?
  /// The absolute path of the socket that takes it.
  package var streamPath = ""

  /// What takes entries as they are written.
  package enum Stream: String, Sendable, CaseIterable {
    /// journald, by its own protocol.
    case journal
    /// Whatever listens in the place of syslog.
    case syslog

    /// Where it listens as a rule.
    fileprivate var standardPath: String {
      switch self {
      case .journal: "/run/systemd/journal/socket"
      case .syslog: "/dev/log"
      }
    }
  }

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
    stream(section, &settings)
    section.finish()
    return settings
  }

  private func stream(_ section: MappingReader, _ settings: inout AuditSettings) {
    let path = path(section, "stream_socket")
    guard let word = section.string("stream") else {
      if path != nil {
        diagnostics.report(
          "\(quoted(section.path("stream_socket"))) means nothing without \"stream\"",
          at: section.position(of: "stream_socket"))
      }
      return
    }
    guard let stream = AuditSettings.Stream(rawValue: word) else {
      return reportUnknown(
        word, as: "stream", among: AuditSettings.Stream.allCases.map(\.rawValue),
        at: section.position(of: "stream"))
    }
    settings.stream = stream
    settings.streamPath = path ?? stream.standardPath
    guard settings.streamPath.utf8.count > AdministrationSettings.maximumSocketPathBytes else {
      return
    }
    diagnostics.report(
      "\(quoted(section.path("stream_socket"))) is longer than the "
        + "\(AdministrationSettings.maximumSocketPathBytes) bytes that a socket's path may have",
      at: section.position(of: "stream_socket"))
  }
}
