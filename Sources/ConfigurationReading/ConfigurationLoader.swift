import AccessPolicy
import Bytes

extension ServiceConfiguration {
  /// Reads and checks the configuration in the file at `path`, and every file that it names.
  ///
  /// Relative paths in it start at its own directory.
  /// - Throws: ``ConfigurationError`` with every mistake that was found.
  package static func load(path: String) throws(ConfigurationError) -> ServiceConfiguration {
    try ConfigurationLoader.section(of: path) { loader, reader, file in
      loader.service(reader, file: file)
    }
  }
}

/// Reads one configuration file. Its extensions read a section each; every one of them returns nil
/// only after it has reported a mistake.
struct ConfigurationLoader {
  /// The absolute path of the directory where relative paths start.
  let directory: String
  let diagnostics: Diagnostics
  let identities = IdentityRegister()

  func service(_ reader: MappingReader, file: String) -> ServiceConfiguration? {
    let development = reader.boolean("development") ?? false
    let listen = listen(reader)
    let store = store(reader)
    let tls = serverCertificate(reader)
    let keys = keys(reader)
    let administration = administration(reader)
    let audit = audit(reader)
    let brands = brands(reader)
    let alarms = alarms(reader)
    let clock = clock(reader)
    let limits = limits(reader)
    let acquirers = acquirers(reader)
    let merchants = merchants(reader, acquirerNames: acquirers.names, limits)
    reader.finish()
    guard let listen, let store, let tls, let keys, let administration, let brands,
      let alarms, diagnostics.isEmpty
    else { return nil }
    return ServiceConfiguration(
      file: file, files: diagnostics.files, digests: diagnostics.digests,
      brandsPath: reader.has("brands") ? path(reader, "brands") : nil,
      alarmsPath: alarms.path,
      development: development, listen: listen, store: store, tls: tls,
      keys: keys.source, keyRules: keys.rules,
      distinctAccounts: keys.distinctAccounts, administration: administration, audit: audit,
      brands: brands, alarms: alarms.rules, alarmNotice: alarms.notice, clock: clock,
      limits: limits,
      merchants: merchants.sorted { $0.name < $1.name },
      acquirers: acquirers.acquirers.sorted { $0.name < $1.name }, push: acquirers.push,
      identityLines: identities.lines)
  }

  private func limits(_ reader: MappingReader) -> Limits {
    var limits = Limits()
    guard let section = reader.mapping("limits") else { return limits }
    for entry in Limits.entries {
      if let value = section.integer(entry.name, in: entry.bounds) {
        entry.assign(value, in: &limits)
      }
    }
    section.finish()
    return limits
  }
}

// MARK: - Paths

extension ConfigurationLoader {
  /// The absolute path under a key; nil where the key is absent or the path has no valid form.
  func path(_ reader: MappingReader, _ key: String) -> String? {
    guard let text = reader.string(key) else { return nil }
    return path(text, named: reader.path(key), at: reader.position(of: key))
  }

  private func path(
    _ text: String, named name: String, at position: ConfigurationTree.Position
  ) -> String? {
    guard !text.isEmpty, text.utf8.count < 4_096, text.utf8.allSatisfy({ $0 >= 0x20 }) else {
      diagnostics.report("\(quoted(name)) expects a path", at: position)
      return nil
    }
    return ConfigurationFiles.absolute(text, in: directory)
  }

  /// The absolute path under a key that has to be there.
  func requiredPath(_ reader: MappingReader, _ key: String) -> String? {
    reader.requiredTree(key) == nil ? nil : path(reader, key)
  }

  /// The absolute path of a file that can be read and, where it has to be, is private.
  func file(_ reader: MappingReader, _ key: String, isPrivate: Bool = false) -> String? {
    guard let text = reader.string(key) else { return nil }
    return file(
      text, named: reader.path(key), at: reader.position(of: key), isPrivate: isPrivate)
  }

  /// As ``file(_:_:isPrivate:)``, for a path that is an element of the list called `name`.
  func file(
    _ text: String, named name: String, at position: ConfigurationTree.Position,
    isPrivate: Bool = false
  ) -> String? {
    guard let path = path(text, named: name, at: position) else { return nil }
    do throws(ConfigurationFileProblem) {
      try ConfigurationFiles.check(path, isPrivate: isPrivate)
      diagnostics.noteFile(path)
      return path
    } catch {
      let suggestion: String? =
        if case .notPrivate = error { "chmod 600 \(path)" } else { nil }
      diagnostics.report(
        "\(path) \(error.text)", at: position, suggestion: suggestion)
      return nil
    }
  }

  /// The absolute path of a file that has to be named, can be read and, where it has to be, is
  /// private.
  func requiredFile(
    _ reader: MappingReader, _ key: String, isPrivate: Bool = false
  ) -> String? {
    reader.requiredTree(key) == nil ? nil : file(reader, key, isPrivate: isPrivate)
  }
}

// MARK: - Words

extension ConfigurationLoader {
  /// Whether a key can name a merchant or an acquirer; reports it if not.
  func isName(_ member: ConfigurationTree.Member, of what: String) -> Bool {
    let bytes = member.key.utf8
    if (1...64).contains(bytes.count),
      bytes.allSatisfy({ isLetterOrDigit($0) || "-._".utf8.contains($0) })
    {
      return true
    }
    diagnostics.report(
      "\(quoted(member.key)) cannot name \(what): 1 to 64 letters, digits, dots, hyphens, "
        + "underscores", at: member.position)
    return false
  }

  /// Reports that `word` is none of `words`.
  func reportUnknown(
    _ word: String, as what: String, among words: [String],
    at position: ConfigurationTree.Position
  ) {
    let suggestion =
      closest(to: word, among: words).map { "did you mean \(quoted($0))?" }
      ?? (words.isEmpty || words.count > 12 ? nil : "one of \(words.joined(separator: ", "))")
    diagnostics.report(
      "unknown \(what) \(quoted(word))", at: position, suggestion: suggestion)
  }
}
