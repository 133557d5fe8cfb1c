internal import Bytes
internal import JSON

/// An entry as it stands in the log.
package struct LoggedEntry: Equatable, Sendable {
  /// Its place in the log, which is its leaf's index.
  package let sequence: UInt64
  /// When it was written, in Unix milliseconds.
  package let timeMilliseconds: Int64
  package let actor: String
  /// What it says was asked for; a vault of another version may have other words.
  package let operationText: String
  package let merchant: String?
  package let token: String?
  package let key: String?
  package let acquirer: String?
  package let paymentIdentifier: String?
  package let outcomeText: String
  package let reason: String?
  package let requestIdentifier: String?
  package let origin: String?
  /// ``operationText`` where this vault writes it too.
  package let operation: AuditOperation?
  /// ``outcomeText`` where this vault writes it too.
  package let outcome: AuditOutcome?

  /// Reads an entry back from its line; nil unless it has the members that every entry has.
  package init?(line: RawSpan) {
    guard let document = try? JSONDocument(line) else { return nil }
    func text(_ name: String) -> String? {
      document.member(name, of: document.root).flatMap { document.string(of: $0) }
    }
    guard let number = document.member("seq", of: document.root),
      let sequence = document.integer(of: number).flatMap({ UInt64(exactly: $0) }),
      let time = text("time").flatMap(RFC3339.unixMilliseconds),
      let actor = text("actor"), let operation = text("operation"), let outcome = text("outcome")
    else { return nil }
    self.sequence = sequence
    timeMilliseconds = time
    self.actor = actor
    operationText = operation
    merchant = text("merchant")
    token = text("token")
    key = text("key")
    acquirer = text("acquirer")
    paymentIdentifier = text("payment_id")
    outcomeText = outcome
    reason = text("reason")
    requestIdentifier = text("request_id")
    origin = text("origin")
    self.operation = AuditOperation(rawValue: operation)
    self.outcome = AuditOutcome(rawValue: outcome)
  }

  /// What it says, to be written again; nil where this vault does not write such entries.
  package var entry: AuditEntry? {
    guard let operation, let outcome else { return nil }
    return AuditEntry(
      actor: AuditActor(actor, from: origin), operation: operation, merchant: merchant,
      token: token, key: key,
      acquirer: acquirer, paymentIdentifier: paymentIdentifier, outcome: outcome, reason: reason,
      requestIdentifier: requestIdentifier)
  }

  /// The values of a reason that is made of words `NAME=VALUE`, by their names.
  ///
  /// What follows `reason=` is the free text of a person, and is not looked at.
  package var reasons: [Substring: Substring] {
    var values: [Substring: Substring] = [:]
    for word in (reason ?? "").split(separator: " ") {
      guard let equals = word.firstIndex(of: "=") else { continue }
      let name = word[..<equals]
      if name == "reason" { break }
      if values[name] == nil { values[name] = word[word.index(after: equals)...] }
    }
    return values
  }
}

extension AuditPage {
  /// The entries of the page, those left out that cannot be read.
  package var entries: [LoggedEntry] {
    lines.split(separator: UInt8(ascii: "\n")).compactMap {
      let line = Array($0)
      return LoggedEntry(line: line.rawSpan)
    }
  }
}
