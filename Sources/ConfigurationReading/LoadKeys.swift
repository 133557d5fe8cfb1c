// The section `keys`: where the KEK comes from, and what keys are judged by.

import Keyring
import RecordFormat

extension ConfigurationLoader {
  /// The section: the source, what keys are judged by, and whether ceremonies ask for shares of different
  /// accounts.
  func keys(
    _ reader: MappingReader
  ) -> (source: KeySource, rules: KeyRules, distinctAccounts: Bool)? {
    guard let section = reader.requiredMapping("keys") else { return nil }
    defer { section.finish() }
    let before = diagnostics.count
    var rules = KeyRules()
    rules.cryptoperiods = Cryptoperiods(seconds: keyPeriods(section))
    if let seconds = duration(section, "warn_before", KeyRules.allowedWarningSeconds) {
      rules.warningSeconds = seconds
    }
    if let seals = section.integer("most_seals", in: KeyRules.allowedSeals) {
      rules.sealBound = UInt64(seals)
    }
    let distinctAccounts = section.boolean("distinct_accounts") ?? true
    guard let source = keySource(section), diagnostics.count == before else { return nil }
    return (source, rules, distinctAccounts)
  }

  private func keySource(_ section: MappingReader) -> KeySource? {
    let minutes = section.integer("share_minutes", in: KeySource.allowedShareMinutes)
    guard let source = section.requiredString("source") else {
      _ = section.tree("path")
      return nil
    }
    guard let kind = KeySource.Kind(rawValue: source) else {
      _ = section.tree("path")
      reportUnknown(
        source, as: "key source", among: KeySource.Kind.allCases.map(\.rawValue),
        at: section.position(of: "source"))
      return nil
    }
    let path = section.has("path")
    let shared = kind == .custodians
    for (key, isMeant) in [
      ("path", kind == .file), ("share_minutes", shared), ("former_path", shared),
    ]
    where !isMeant && section.has(key) {
      diagnostics.report(
        "\"keys.\(key)\" means nothing with source \(quoted(source))",
        at: section.position(of: key))
    }
    switch kind {
    case .file: return requiredPath(section, "path").map(KeySource.directory)
    case .credential: return path ? nil : .credentials
    case .custodians:
      guard !path else { return nil }
      return .custodians(
        shareMinutes: minutes ?? KeySource.standardShareMinutes,
        formerPath: section.has("former_path") ? requiredPath(section, "former_path") : nil)
    }
  }

  /// The seconds under `cryptoperiods`, of the roles that it names.
  func keyPeriods(_ section: MappingReader) -> [KeyRole: UInt64] {
    guard let periods = section.mapping("cryptoperiods") else { return [:] }
    defer { periods.finish() }
    return KeyRole.allCases.reduce(into: [:]) { seconds, role in
      seconds[role] = duration(periods, role.name, KeyRules.allowedPeriodSeconds)
    }
  }

  /// The seconds that a duration of days or hours means; nil where it is absent or wrong (reported).
  func duration(
    _ section: MappingReader, _ key: String, _ allowed: ClosedRange<UInt64>
  ) -> UInt64? {
    guard let tree = section.tree(key) else { return nil }
    if case .scalar(let text, _) = tree.value, let seconds = durationSeconds(text),
      allowed.contains(seconds)
    {
      return seconds
    }
    diagnostics.report(
      "\(quoted(section.path(key))) expects a time from \(durationText(allowed.lowerBound)) to "
        + "\(durationText(allowed.upperBound)), found \(tree.kind)",
      at: tree.position,
      suggestion: "for example \(durationExample(allowed, "365d", "30d")) or "
        + durationExample(allowed, "12h", "36h"))
    return nil
  }

  /// The first of `examples` that is allowed.
  private func durationExample(_ allowed: ClosedRange<UInt64>, _ examples: String...) -> String {
    examples.first { durationSeconds($0).map(allowed.contains) == true } ?? "1d"
  }
}

/// The seconds that `90d` or `12h` mean; nil for any other form.
///
/// - Parameter units: what may stand behind the number, and how many seconds it is.
func durationSeconds(
  _ text: String, units: [Character: UInt64] = ["d": 86_400, "h": 3_600]
) -> UInt64? {
  guard let unitSeconds = text.last.flatMap({ units[$0] }) else { return nil }
  let digits = text.dropLast()
  guard let count = UInt64(digits), String(count) == digits else { return nil }
  let (seconds, overflow) = count.multipliedReportingOverflow(by: unitSeconds)
  return overflow ? nil : seconds
}

private func durationText(_ seconds: UInt64) -> String {
  seconds % 86_400 == 0 ? "\(seconds / 86_400)d" : "\(seconds / 3_600)h"
}
