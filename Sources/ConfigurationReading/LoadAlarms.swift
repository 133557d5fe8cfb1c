import AuditLog

// The file under `alarms`: when something in the audit log is an alarm.

/// Whom alarms are told, beside the log and the metrics.
package struct AlarmNotice: Equatable, Sendable {
  /// What is posted to.
  package let url: BaseURL
  /// The absolute path of the only authority that is believed, PEM.
  package let caPath: String
}

extension ConfigurationLoader {
  /// The rules of the file under `alarms`, or the standard ones where none is named, and whom alarms are
  /// told. It is the name of the file, or a mapping with `rules` and `notify`.
  func alarms(
    _ reader: MappingReader
  ) -> (rules: [AlarmRule], path: String?, notice: AlarmNotice?)? {
    guard let tree = reader.tree("alarms") else { return (AlarmRule.standard, nil, nil) }
    guard case .mapping = tree.value, let section = reader.mapping("alarms") else {
      guard let path = file(reader, "alarms") else { return nil }
      return alarmRules(path).map { ($0, path, nil) }
    }
    let before = diagnostics.count
    let path = section.has("rules") ? file(section, "rules") : nil
    let rules = section.has("rules") ? path.flatMap { alarmRules($0) } : AlarmRule.standard
    let notice = section.mapping("notify").flatMap { alarmNotice($0) }
    section.finish()
    guard let rules, diagnostics.count == before else { return nil }
    return (rules, path, notice)
  }

  private func alarmNotice(_ reader: MappingReader) -> AlarmNotice? {
    let url = reader.requiredTree("url") == nil ? nil : BaseURL.read(reader, "url")
    let authority = requiredFile(reader, "ca")
    reader.finish()
    guard let url, let authority else { return nil }
    return AlarmNotice(url: url, caPath: authority)
  }

  /// Reads a file with one key, `rules`: a mapping from names to rules.
  private func alarmRules(_ path: String) -> [AlarmRule]? {
    guard let tree = ConfigurationTree.read(path, diagnostics),
      let reader = MappingReader(tree, name: "", diagnostics)
    else { return nil }
    let before = diagnostics.count
    let section = reader.requiredMapping("rules")
    reader.finish()
    guard let section else { return nil }
    let members = section.named
    if members.count > AlarmRule.most {
      diagnostics.report(
        "\"rules\" has more than \(AlarmRule.most) rules", at: section.position)
    }
    var rules: [AlarmRule] = []
    for member in members where isName(member, of: "a rule") {
      guard let one = MappingReader(member.tree, name: section.path(member.key), diagnostics)
      else { continue }
      let rule = alarmRule(one, name: member.key)
      one.finish()
      rules.append(rule)
    }
    return diagnostics.count == before ? rules : nil
  }

  private func alarmRule(_ reader: MappingReader, name: String) -> AlarmRule {
    let threshold = reader.integer("more_than", in: AlarmRule.allowedThreshold) ?? 0
    let window = window(reader, isNeeded: threshold > 0)
    let rule = AlarmRule(
      name: name,
      operations: words(
        reader, "operations", of: "operation",
        among: AuditOperation.allCases.filter(\.mayRaiseAlarm)),
      outcomes: words(
        reader, "outcomes", of: "outcome", among: AuditOutcome.allCases.filter(\.mayRaiseAlarm)),
      reasons: words(reader, "reasons").map(\.text),
      honeytokens: reader.boolean("honeytokens") ?? false, keys: reader.boolean("keys") ?? false,
      subject: subject(reader), threshold: window == nil ? 0 : threshold, windowSeconds: window)
    if ["operations", "outcomes", "reasons", "honeytokens", "keys", "in"].allSatisfy({
      !reader.has($0)
    }) {
      diagnostics.report(
        "\(quoted(reader.name)) would make an alarm of every entry", at: reader.position,
        suggestion: "say what it is about, or how many there may be (more_than, in)")
    }
    return rule
  }

  /// The words of a list, of which there is one at least.
  private func words(
    _ reader: MappingReader, _ key: String
  ) -> [(text: String, position: ConfigurationTree.Position)] {
    guard let words = reader.strings(key) else { return [] }
    if words.isEmpty, let tree = reader.tree(key), case .sequence(let elements) = tree.value,
      elements.isEmpty
    {
      diagnostics.report(
        "\(quoted(reader.path(key))) expects at least one word", at: tree.position,
        suggestion: "leave it out to take all of them")
    }
    return words
  }

  /// The same, where they are `known`.
  private func words<Word: RawRepresentable<String>>(
    _ reader: MappingReader, _ key: String, of what: String, among known: [Word]
  ) -> [Word] {
    words(reader, key).compactMap { text, position in
      if let word = known.first(where: { $0.rawValue == text }) { return word }
      reportUnknown(text, as: what, among: known.map(\.rawValue), at: position)
      return nil
    }
  }

  private func subject(_ reader: MappingReader) -> AlarmRule.Subject? {
    guard let word = reader.string("per") else { return nil }
    guard let subject = AlarmRule.Subject(rawValue: word) else {
      reportUnknown(
        word, as: "subject", among: AlarmRule.Subject.allCases.map(\.rawValue),
        at: reader.position(of: "per"))
      return nil
    }
    if !reader.has("in") {
      diagnostics.report(
        "\(quoted(reader.path("per"))) means nothing without \"in\"",
        at: reader.position(of: "per"), suggestion: "each entry is an alarm of its own then")
    }
    return subject
  }

  private func window(_ reader: MappingReader, isNeeded: Bool) -> UInt64? {
    guard let tree = reader.tree("in") else {
      if isNeeded {
        diagnostics.report(
          "\(quoted(reader.path("in"))) is missing", at: reader.position(of: "more_than"),
          suggestion: "within what time, for example 60s")
      }
      return nil
    }
    let units: [Character: UInt64] = ["s": 1, "m": 60, "h": 3_600, "d": 86_400]
    if case .scalar(let text, _) = tree.value, let seconds = durationSeconds(text, units: units),
      AlarmRule.allowedWindow.contains(seconds)
    {
      return seconds
    }
    diagnostics.report(
      "\(quoted(reader.path("in"))) expects a time from 1s to 1d, found \(tree.kind)",
      at: tree.position, suggestion: "for example 60s, 5m or 1h")
    return nil
  }
}
