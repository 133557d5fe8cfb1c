import Bytes
package import RecordFormat

/// The plan of a key ceremony: one file that can be reviewed before anybody meets.
///
/// `vault` (a name), `threshold`, `custodians` (a list of mappings with a `name` each) and, where they
/// are other than the configuration's, `cryptoperiods`. A name is 1 to 64 letters, digits, dots,
/// hyphens, underscores and single spaces, with a letter or digit at both ends.
package struct CeremonyPlan: Equatable, Sendable {
  /// How many custodians there may be.
  package static let custodianCounts = 2...15
  /// How many characters a name has at most.
  package static let longestName = 64

  /// What the vault is called on the custodians' papers.
  package let vault: String
  /// How many shares rebuild the key: 2 to the number of custodians.
  package let threshold: Int
  /// The custodians' names, in their order, each once whatever the case of its letters.
  package let custodians: [String]
  /// The periods of the first keys.
  package let periods: [KeyRole: UInt64]

  /// Reads and checks the plan in the file at `path`.
  ///
  /// - Throws: ``ConfigurationError`` with every mistake that was found.
  package static func load(path: String) throws(ConfigurationError) -> CeremonyPlan {
    try ConfigurationLoader.section(of: path) { loader, reader, _ in
      defer { reader.finish() }
      return loader.ceremonyPlan(reader)
    }
  }
}

extension ConfigurationLoader {
  fileprivate func ceremonyPlan(_ reader: MappingReader) -> CeremonyPlan? {
    let vault = reader.requiredString("vault")
    if let vault { checkPaperName(vault, of: "a vault", at: reader.position(of: "vault")) }
    let periods = keyPeriods(reader)
    let custodians = custodians(reader)
    guard let threshold = reader.requiredTree("threshold"), !custodians.isEmpty, let vault else {
      return nil
    }
    guard let count = threshold.integer, count >= 2, count <= custodians.count else {
      diagnostics.report(
        "\"threshold\" expects a whole number from 2 to \(custodians.count), the number of "
          + "custodians, found \(threshold.kind)", at: threshold.position)
      return nil
    }
    return CeremonyPlan(vault: vault, threshold: count, custodians: custodians, periods: periods)
  }

  /// The names, of which a wrong number is reported as a mistake of the list; empty then.
  private func custodians(_ reader: MappingReader) -> [String] {
    guard let list = reader.requiredTree("custodians") else { return [] }
    guard case .sequence(let entries) = list.value,
      CeremonyPlan.custodianCounts.contains(entries.count)
    else {
      diagnostics.report(
        "\"custodians\" expects a list of \(CeremonyPlan.custodianCounts.lowerBound) to "
          + "\(CeremonyPlan.custodianCounts.upperBound) custodians",
        at: list.position, suggestion: "each as: - {name: custodian-1}")
      return []
    }
    var names: [String] = []
    for entry in entries {
      guard let custodian = MappingReader(entry, name: "custodians", diagnostics) else { continue }
      if let name = custodian.requiredString("name") {
        let position = custodian.position(of: "name")
        checkPaperName(name, of: "a custodian", at: position)
        if names.contains(where: { $0.lowercased() == name.lowercased() }) {
          diagnostics.report("the custodian \(quoted(name)) is named twice", at: position)
        }
        names.append(name)
      }
      custodian.finish()
    }
    return names.count == entries.count ? names : []
  }

  /// Reports text that cannot stand as a name on paper and in a file's name.
  private func checkPaperName(
    _ name: String, of what: String, at position: ConfigurationTree.Position
  ) {
    let bytes = Array(name.utf8)
    let isValid =
      (1...CeremonyPlan.longestName).contains(bytes.count)
      && bytes.allSatisfy { isLetterOrDigit($0) || "-._ ".utf8.contains($0) }
      && isLetterOrDigit(bytes[0]) && isLetterOrDigit(bytes[bytes.count - 1])
      && !name.contains("  ")
    guard !isValid else { return }
    diagnostics.report(
      "\(quoted(name)) cannot name \(what): 1 to 64 letters, digits, dots, hyphens, underscores and "
        + "single spaces, a letter or digit at both ends", at: position)
  }
}
