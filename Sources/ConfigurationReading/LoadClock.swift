// The section `clock`: by what sign the host's clock is known to be right.

/// How it is known that something keeps the clock right.
package struct ClockSettings: Equatable, Sendable {
  /// The file that systemd-timesyncd touches whenever it has set the clock.
  package static let standardPath = "/run/systemd/timesync/synchronized"
  /// How old the sign may be: an hour to thirty days.
  package static let allowedWithinSeconds: ClosedRange<UInt64> = 3_600...30 * 86_400

  /// The absolute path of a file that is touched whenever the clock is set; nil where nobody looks.
  package var synchronizedPath: String? = ClockSettings.standardPath
  /// How old its time may be, in seconds: three hours. timesyncd asks every 34 minutes at least.
  package var withinSeconds: UInt64 = 3 * 3_600

  /// What holds where nothing is said.
  package init() {}
}

extension ConfigurationLoader {
  /// The word for no file.
  private static let none = "none"

  func clock(_ reader: MappingReader) -> ClockSettings {
    var settings = ClockSettings()
    guard let section = reader.mapping("clock") else { return settings }
    if let text = section.string("synchronized") {
      settings.synchronizedPath = text == Self.none ? nil : path(section, "synchronized")
    }
    if let seconds = duration(section, "within", ClockSettings.allowedWithinSeconds) {
      settings.withinSeconds = seconds
    }
    section.finish()
    return settings
  }
}
