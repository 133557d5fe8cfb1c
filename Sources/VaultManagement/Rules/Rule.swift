internal import AuditLog
internal import Bytes
package import Cryptography

/// One line of what is in force: a grant, a quota, a limit, what a file holds.
///
/// Its text is words with spaces between them, of which the first says what it is about. It is no longer
/// than an entry's reason may be: of a longer one the beginning and the SHA-256 of the whole stand there,
/// so that two that differ never look alike.
package struct Rule: Hashable, Sendable {
  /// The longest text, in bytes: what an entry's reason takes.
  static let mostBytes = AuditLimits.memberBytes
  private static let cutBytes = 160

  /// The line.
  let text: String
  /// The merchant that it is about, by name.
  let merchant: String?
  /// The acquirer that it is about, by name.
  let acquirer: String?

  /// Makes a line; where it is too long, it ends with `… sha256=HEX`.
  package init(_ text: String, merchant: String? = nil, acquirer: String? = nil) {
    self.text = Self.bounded(text)
    self.merchant = merchant
    self.acquirer = acquirer
  }

  private static func bounded(_ text: String) -> String {
    let bytes = Array(text.utf8)
    guard bytes.count > mostBytes else { return text }
    var end = cutBytes
    // Between two characters.
    while end > 0, bytes[end] & 0xC0 == 0x80 { end -= 1 }
    return String(decoding: bytes[..<end], as: UTF8.self) + "… sha256="
      + Digest256.sha256(bytes.rawSpan).hex
  }

  /// What it is about: its first two words.
  private var subject: ArraySlice<Substring> {
    text.split(separator: " ", maxSplits: 2).prefix(2)
  }

  /// Whether it stands before `other` in a list.
  fileprivate func precedes(_ other: Rule) -> Bool {
    let (own, others) = (subject.joined(separator: " "), other.subject.joined(separator: " "))
    return own == others ? text < other.text : own < others
  }
}

/// Everything that a configuration puts in force, as lines.
package struct RulesInForce: Equatable, Sendable {
  /// The SHA-256 of the configuration file.
  let configuration: Digest256
  /// The lines, each once.
  let rules: Set<Rule>

  /// The rules of a configuration file with this SHA-256.
  package init(configuration: Digest256, rules: Set<Rule>) {
    self.configuration = configuration
    self.rules = rules
  }

  /// The lines in the order in which they are listed: by what they are about.
  var lines: [Rule] { rules.sorted { $0.precedes($1) } }

  /// A SHA-256 over ``lines``, each with a line feed.
  var digest: Digest256 {
    Digest256.sha256(Array(lines.map { "\($0.text)\n" }.joined().utf8).rawSpan)
  }
}

/// What is different between rules that were in force and those that come.
struct RuleChanges {
  /// One of them.
  struct Change {
    let rule: Rule
    let isRemoval: Bool
  }

  /// In the order of ``RulesInForce/lines``; of what is about the same, what goes comes first.
  let changes: [Change]

  init(from old: Set<Rule>, to new: Set<Rule>) {
    let gone = old.subtracting(new).map { Change(rule: $0, isRemoval: true) }
    let come = new.subtracting(old).map { Change(rule: $0, isRemoval: false) }
    changes = (gone + come).sorted { one, other in
      if one.rule.isAboutTheSame(as: other.rule), one.isRemoval != other.isRemoval {
        return one.isRemoval
      }
      return one.rule.precedes(other.rule)
    }
  }

  var removed: Int { changes.count { $0.isRemoval } }
  var added: Int { changes.count - removed }
}

extension Rule {
  fileprivate func isAboutTheSame(as other: Rule) -> Bool { subject == other.subject }
}
