package import Cryptography
internal import JSON
package import Storage

/// An entry as it stands in the log.
package struct LoggedEntry: Equatable, Sendable {
  /// Its place in the log, which is its leaf's index.
  package let sequence: UInt64
  /// When it was written, in Unix milliseconds.
  package let timeMilliseconds: Int64
  /// What it says.
  package let entry: AuditEntry

  /// Reads an entry back from its line; nil unless it has the members that every entry has.
  package init?(line: RawSpan) {
    guard let tape = try? JSONTape.parse(line) else { return nil }
    func text(_ name: String) -> String? {
      tape.member(name, of: tape.root, in: line).flatMap { tape.string(of: $0, in: line) }
    }
    guard let number = tape.member("seq", of: tape.root, in: line),
      let sequence = tape.integer(of: number, in: line).flatMap({ UInt64(exactly: $0) }),
      let time = text("time").flatMap(RFC3339.unixMilliseconds),
      let actor = text("actor"), let operation = text("operation"), let outcome = text("outcome")
    else { return nil }
    self.sequence = sequence
    timeMilliseconds = time
    entry = AuditEntry(
      actor: actor, operation: operation, merchant: text("merchant"), token: text("token"),
      key: text("key"), acquirer: text("acquirer"), paymentIdentifier: text("payment_id"),
      outcome: outcome, reason: text("reason"), requestIdentifier: text("request_id"))
  }

  /// The values of a reason that is made of words `NAME=VALUE`, by their names.
  package var reasons: [Substring: Substring] {
    var values: [Substring: Substring] = [:]
    for word in (entry.reason ?? "").split(separator: " ") {
      guard let equals = word.firstIndex(of: "=") else { continue }
      values[word[..<equals]] = word[word.index(after: equals)...]
    }
    return values
  }
}

extension AuditPage {
  /// The entries of the page, those left out that cannot be read.
  package var entries: [LoggedEntry] {
    lines.split(separator: UInt8(ascii: "\n")).compactMap {
      let line = Array($0)
      return unsafe LoggedEntry(line: line.span.bytes)
    }
  }
}

extension AuditLog {
  /// The hash of the leaf `sequence`, computed from its line, which may be one of the open batch; nil
  /// where there is none.
  package static func leaf(
    _ sequence: UInt64, in transaction: borrowing some StoreReading & ~Copyable
  ) throws(StorageError) -> Digest256? {
    let key = [sequence.bigEndian] as InlineArray<1, UInt64>
    guard let line = try transaction.get(unsafe key.span.bytes, in: .audit) else { return nil }
    return MerkleHash.leaf(line)
  }
}
