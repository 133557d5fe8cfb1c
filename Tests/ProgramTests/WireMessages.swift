import TestNetwork

@testable import cadenas_dev

/// A request as the contract has it.
struct WireRequest: Sendable {
  var method: String
  var path: String
  var headers: [(name: String, value: String)] = []
  var body: String?

  /// The bytes: what every HTTP/1.1 client sends, and ``headers`` after it.
  var text: String {
    var text = "\(method) \(path) HTTP/1.1\r\nHost: localhost\r\n"
    for header in headers { text += "\(header.name): \(header.value)\r\n" }
    guard let body else { return text + "\r\n" }
    if !headers.contains(where: { $0.name == "Content-Type" }) {
      text += "Content-Type: application/json\r\n"
    }
    return text + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
  }

  /// `POST /v1/tokens` with any body.
  static func tokenize(body: String, key: String? = nil) -> WireRequest {
    WireRequest(method: "POST", path: "/v1/tokens", headers: keyed(key), body: body)
  }

  /// `POST /v1/tokens` for a card.
  static func tokenize(
    _ number: String, month: Int = 12, year: Int = 2035, more: String = "", key: String? = nil
  ) -> WireRequest {
    tokenize(
      body: #"{"number":"\#(number)","exp_month":\#(month),"exp_year":\#(year)\#(more)}"#, key: key)
  }

  /// `POST /v1/tokens/{token}/detokenize` of a merchant, with any body.
  static func push(_ token: String, body: String, key: String?) -> WireRequest {
    WireRequest(
      method: "POST", path: "/v1/tokens/\(token)/detokenize", headers: keyed(key), body: body)
  }

  /// The same for an amount in euros, which decides what the simulator answers.
  static func push(
    _ token: String, amount: Int, more: String = "", key: String?
  ) -> WireRequest {
    let amount = #"{"value":\#(amount),"currency":"EUR"}"#
    return push(
      token, body: #"{"acquirer":"credit-du-nord","amount":\#(amount)\#(more)}"#, key: key)
  }

  /// `POST /v1/tokens/{token}/detokenize` of an acquirer.
  static func pull(_ token: String) -> WireRequest { push(token, body: "{}", key: nil) }

  /// `DELETE /v1/tokens/{token}`.
  static func delete(_ token: String) -> WireRequest {
    WireRequest(method: "DELETE", path: "/v1/tokens/\(token)")
  }

  private static func keyed(_ key: String?) -> [(name: String, value: String)] {
    key.map { [("Idempotency-Key", $0)] } ?? []
  }
}

typealias WireAnswer = RawAnswer

extension RawAnswer {
  /// A top-level member of the body as text; nil where it is absent or null.
  subscript(member: String) -> String? {
    (try? JSONMembers(Array(body.utf8)))?[member]
  }

  /// The name of the problem; nil for a body of another form.
  var problem: String? {
    guard let type = self["type"], type.hasPrefix("urn:cadenas:problem:") else { return nil }
    return String(type.dropFirst("urn:cadenas:problem:".count))
  }
}
