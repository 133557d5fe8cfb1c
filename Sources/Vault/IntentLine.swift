import AuditLog
import JSON

extension AuditEntry {
  /// Reads an entry back from its line; nil unless it has the members that every entry has.
  init?(line: RawSpan) {
    guard let tape = try? JSONTape.parse(line) else { return nil }
    func text(_ name: String) -> String? {
      tape.member(name, of: tape.root, in: line).flatMap { tape.string(of: $0, in: line) }
    }
    guard let actor = text("actor"), let operation = text("operation"),
      let outcome = text("outcome")
    else { return nil }
    self.init(
      actor: actor, operation: operation, merchant: text("merchant"), token: text("token"),
      key: text("key"), acquirer: text("acquirer"), paymentIdentifier: text("payment_id"),
      outcome: outcome, reason: text("reason"), requestIdentifier: text("request_id"))
  }
}
