internal import AuditLog
internal import JSON
internal import Keyring
internal import RecordFormat

/// `keys inventory`: algorithms, protocols, certificates and keys that the program uses.
///
/// - Source: PCI DSS v4.0.1, 3.6.1.1, 4.2.1.1 and 12.3.3.
package struct ShowInventory: AdminOperation {
  package static let route = AdminRoute.get("/v1/keys/inventory", "sign")
  private let isSigned: Bool

  /// - Parameter isSigned: whether the audit key signs it.
  package init(isSigned: Bool = false) { self.isSigned = isSigned }
  package init(_ query: Query) throws(AdministrationError) { isSigned = query["sign"] == "1" }

  package var fields: [Query.Field] { [("sign", isSigned ? "1" : nil)] }
  package var terms: AdminTerms { AdminTerms(.audit, .short, .document, .keysInventory) }

  package func run(_ call: AdminCall) throws {
    guard let writeOthers = call.hooks.inventory else {
      throw AdministrationError.unavailable("nothing here uses cryptography")
    }
    let keys = try call.keyStatuses()
    let now = call.now
    try call.show(signed: isSigned) { json in
      json.member("version", string: call.hooks.service?().version ?? call.hooks.version)
      json.member("time", unixMilliseconds: now)
      json.member("keys", objects: keys) { $0.write($1, atMilliseconds: now) }
      try writeOthers(&json, now)
    }
  }
}

extension JSONWriter {
  fileprivate mutating func write(_ key: KeyStatus, atMilliseconds now: Int64) {
    let use = key.role.use
    let created = Int64(clamping: key.createdMilliseconds)
    let end = Int64(clamping: key.cryptoperiodEndMilliseconds)
    member("id", string: key.identifier.text)
    member("role", string: key.role.name)
    member("state", string: key.state.name)
    member("algorithm", string: use.algorithm)
    member("key_bits", integer: use.keyBits)
    member("purpose", string: use.purpose)
    member("origin", string: key.origin.name)
    member("check_value", string: key.checkValue)
    member("created", unixMilliseconds: created)
    member("age_days", integer: now.days(since: created))
    member("cryptoperiod_end", unixMilliseconds: end)
    member("days_left", integer: -now.days(since: end))
    member("cards", integer: key.cards)
    member("uses", integer: key.uses)
    member("warnings", strings: key.warnings.map { $0.text(for: key.role) })
  }
}

extension Int64 {
  /// Whole days since `time`, both in Unix milliseconds; rounded down, so a negative number where that
  /// is still to come.
  package func days(since time: Int64) -> Int64 {
    let dayMilliseconds: Int64 = 86_400_000
    let (difference, overflow) = subtractingReportingOverflow(time)
    guard !overflow else { return time < 0 ? .max : -.max }
    let days = difference / dayMilliseconds
    return difference % dayMilliseconds < 0 ? days - 1 : days
  }
}
