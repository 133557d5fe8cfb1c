internal import AuditLog
internal import Cryptography
internal import JSON
internal import Keyring
internal import RecordFormat

/// `keys inventory`: algorithms, protocols, certificates and keys that the program uses.
///
/// - Source: PCI DSS v4.0.1, 3.6.1.1, 4.2.1.1 and 12.3.3.
package struct ShowInventory: PlainAdminOperation {
  package static let route = AdminRoute.get("/v1/keys/inventory")
  package var terms: AdminTerms { AdminTerms(.auditor, .short, .document, .keysInventory) }

  package init() {}

  package func run(_ call: AdminCall) throws {
    guard let inventory = try call.hooks.inventory?() else {
      throw AdministrationError.unavailable("nothing here uses cryptography")
    }
    let keys = try call.keyStatuses()
    try call.show(InventoryWriter(nowMilliseconds: call.now).document(inventory, keys: keys))
  }
}

/// Writes an inventory as JSON. Ages and what is left are whole days, a negative number where an end
/// has passed.
private struct InventoryWriter {
  private static let dayMilliseconds: Int64 = 86_400_000

  let nowMilliseconds: Int64

  func document(_ inventory: CryptographicInventory, keys: [KeyStatus]) -> [UInt8] {
    JSONWriter.document { json in
      json.member("version", string: inventory.version)
      json.member("time", unixMilliseconds: nowMilliseconds)
      json.member("keys", objects: keys, write)
      json.member("algorithms", objects: inventory.algorithms, write)
      json.member("protocols", objects: inventory.tls, write)
      json.member("certificates", objects: inventory.certificates, write)
      json.member("revocation_lists", objects: inventory.revocationLists, write)
      json.member("libraries", objects: inventory.libraries) { json, library in
        json.member("name", string: library.name)
        json.member("version", string: library.version)
        json.member("purpose", string: library.purpose)
      }
    }
  }

  private func write(_ json: inout JSONWriter, _ key: KeyStatus) {
    let use = key.role.use
    let created = Int64(clamping: key.createdMilliseconds)
    let end = Int64(clamping: key.cryptoperiodEndMilliseconds)
    json.member("id", string: key.identifier.text)
    json.member("role", string: key.role.name)
    json.member("state", string: key.state.name)
    json.member("algorithm", string: use.algorithm)
    json.member("key_bits", integer: use.keyBits)
    json.member("purpose", string: use.purpose)
    json.member("origin", string: key.origin.name)
    json.member("check_value", string: key.checkValue)
    json.member("created", unixMilliseconds: created)
    json.member("age_days", integer: days(from: created))
    json.member("cryptoperiod_end", unixMilliseconds: end)
    json.member("days_left", integer: -days(from: end))
    json.member("cards", integer: key.cards)
    json.member("uses", integer: key.uses)
    json.member("warnings", strings: key.warnings.map { $0.text(for: key.role) })
  }

  private func write(_ json: inout JSONWriter, _ algorithm: AlgorithmDescription) {
    json.member("name", string: algorithm.name)
    json.member("key_bits", integer: algorithm.keyBits)
    json.member("parameters", string: algorithm.parameters)
    json.member("purpose", string: algorithm.purpose)
    json.member("implementation", string: algorithm.implementation)
    json.member("standard", string: algorithm.standard)
  }

  private func write(_ json: inout JSONWriter, _ tls: CryptographicInventory.TLSUse) {
    json.member("name", string: "TLS")
    json.member("use", string: tls.use)
    json.member("address", string: tls.address)
    json.member("minimum", string: tls.minimum)
    json.member("maximum", string: tls.maximum)
    json.member("cipher_suites", strings: tls.cipherSuites)
    json.member("authentication", string: tls.authentication)
  }

  private func write(_ json: inout JSONWriter, _ certificate: CryptographicInventory.Certificate) {
    let description = certificate.description
    json.member("use", string: certificate.use)
    json.member("subject", string: description.subject)
    json.member("serial", string: description.serial)
    json.member("key_type", string: description.keyType)
    json.member("key_bits", integer: description.keyBits)
    json.member("signature_algorithm", string: description.signatureAlgorithm)
    json.member("not_before", unixMilliseconds: milliseconds(description.notBefore))
    json.member("not_after", unixMilliseconds: milliseconds(description.notAfter))
    json.member("age_days", integer: days(from: milliseconds(description.notBefore)))
    json.member("days_left", integer: -days(from: milliseconds(description.notAfter)))
    json.member("sha256", string: description.fingerprint.hex)
  }

  private func write(_ json: inout JSONWriter, _ list: CryptographicInventory.RevocationList) {
    json.member("path", string: list.path)
    json.member("authority", string: list.authority)
    json.member("next_update", unixMilliseconds: milliseconds(list.nextUpdate))
    json.member("days_left", integer: -days(from: milliseconds(list.nextUpdate)))
  }

  private func milliseconds(_ seconds: Int64) -> Int64 {
    let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000)
    return overflow ? (seconds < 0 ? .min : .max) : product
  }

  /// Whole days since `time`, rounded down.
  private func days(from time: Int64) -> Int64 {
    let (difference, overflow) = nowMilliseconds.subtractingReportingOverflow(time)
    guard !overflow else { return time < 0 ? .max : -.max }
    let days = difference / Self.dayMilliseconds
    return difference % Self.dayMilliseconds < 0 ? days - 1 : days
  }
}
