package import Cryptography

/// One mistake in a configuration file: where it is, what it is, and what would be right.
///
/// Prints as `cadenas.yaml:12: unknown key "merchant_": did you mean "merchants"?`.
package struct Diagnostic: Equatable, Sendable, CustomStringConvertible {
  /// The file, as it was named by whoever read it.
  package let file: String
  /// The line, from 1; nil where the mistake is the file itself.
  package let line: Int?
  /// What is wrong. Never quotes the content of a private file.
  package let message: String
  /// What would be right; nil where the message says it already.
  package let suggestion: String?

  /// Makes a diagnostic.
  package init(file: String, line: Int?, message: String, suggestion: String? = nil) {
    self.file = file
    self.line = line
    self.message = message
    self.suggestion = suggestion
  }

  package var description: String {
    let place = line.map { "\(file):\($0)" } ?? file
    return "\(place): \(message)" + (suggestion.map { ": \($0)" } ?? "")
  }
}

/// Collects every mistake of a configuration, so that all of them are reported at once, and which files it
/// is made of.
///
/// Reading goes on after a mistake; whoever reads asks ``isEmpty`` at the end.
package final class Diagnostics {
  private var collected: [Diagnostic] = []
  /// The absolute paths of the files that were named.
  package private(set) var files: Set<String> = []
  /// The SHA-256 of what was read of each file of YAML, by its path.
  package private(set) var digests: [String: Digest256] = [:]

  /// Makes an empty collection.
  package init() {}

  /// How many mistakes have been reported, for telling whether a step added one.
  package var count: Int { collected.count }

  /// Whether no mistake has been reported.
  package var isEmpty: Bool { collected.isEmpty }

  /// What has been reported, ordered by file and line, each once. The file that was met first comes
  /// first.
  package var all: [Diagnostic] {
    var order: [String: Int] = [:]
    for diagnostic in collected where order[diagnostic.file] == nil {
      order[diagnostic.file] = order.count
    }
    var seen: [Diagnostic] = []
    for diagnostic in collected where !seen.contains(diagnostic) { seen.append(diagnostic) }
    return seen.enumerated().sorted { one, other in
      let (a, b) = (one.element, other.element)
      return (order[a.file] ?? 0, a.line ?? 0, one.offset)
        < (order[b.file] ?? 0, b.line ?? 0, other.offset)
    }.map(\.element)
  }

  /// Notes that a file is a part of the configuration.
  package func noteFile(_ path: String) { files.insert(path) }

  /// Notes what was read of one.
  func note(_ digest: Digest256, of path: String) {
    files.insert(path)
    digests[path] = digest
  }

  /// Reports a mistake at a position.
  package func report(
    _ message: String, at position: ConfigurationTree.Position, suggestion: String? = nil
  ) {
    report(
      Diagnostic(
        file: position.file, line: position.line, message: message, suggestion: suggestion))
  }

  /// Reports a mistake.
  package func report(_ diagnostic: Diagnostic) {
    collected.append(diagnostic)
  }
}

/// Every mistake of a configuration, ordered; at least one.
package struct ConfigurationError: Error, Equatable, CustomStringConvertible {
  /// The mistakes.
  package let diagnostics: [Diagnostic]

  /// An error of these mistakes.
  package init(diagnostics: [Diagnostic]) { self.diagnostics = diagnostics }

  /// One mistake a line.
  package var description: String {
    diagnostics.map(\.description).joined(separator: "\n")
  }
}
