import Bytes
import Cards
import Foundation
import Payments
import SecretMemory
import Testing

/// The table of cases that the page's script is tested with too.
@Suite struct FormCaseTests {
  struct Table: Decodable {
    let cases: [Case]
  }

  struct Case: Decodable, Sendable, CustomTestStringConvertible {
    let field: String
    let value: String
    let brand: String?
    let today: String?
    let result: String

    var testDescription: String { "\(field) \"\(value)\"" }
  }

  static let cases: [Case] = {
    let data = Data(PackageResources.form_cases_json)
    return (try? JSONDecoder().decode(Table.self, from: data).cases) ?? []
  }()

  @Test func theTableIsThere() { #expect(Self.cases.count > 150) }

  @Test(arguments: cases) func theServerSaysWhatTheTableSays(_ one: Case) throws {
    let today = try one.today.map { try Date($0, strategy: .iso8601) }
    let seconds = Int64(today?.timeIntervalSince1970 ?? 1_796_083_200)
    // The other fields are good ones, of a card of the same brand.
    let number = one.field == "number" ? one.value : Self.number(of: one.brand)
    let code = one.brand == "amex" ? "1234" : "123"
    let body = [
      ("number", number), ("expiry", one.field == "expiry" ? one.value : "12/2030"),
      ("cvc", one.field == "cvc" ? one.value : code), ("form", "x"),
    ].map { "\($0)=\(Self.escaped($1))" }.joined(separator: "&")
    let slots = try SecretPool(slots: 8, slotSize: SubmittedForm.slotBytes)
    guard var form = SubmittedForm(Array(body.utf8).rawSpan, slots: slots) else {
      Issue.record("no slots")
      return
    }
    let rules = CardRules(table: .standard, unixSeconds: seconds)
    let found: String?
    switch rules.check(&form, slots: slots) {
    case .faults(let faults): found = faults.first { $0.field.rawValue == one.field }?.key
    case .card(let card):
      switch one.field {
      case "number": found = card.number.digits.text
      case "expiry":
        let month = card.expiry.month
        found = "\(card.expiry.year)-\(month < 10 ? "0" : "")\(month)"
      default: found = card.code.bytes.text
      }
    }
    // Without a number either length will do, and nothing is said of it.
    if found == nil, one.brand == "none" { return #expect(!one.result.hasPrefix("\(one.field)_")) }
    #expect(found == one.result)
  }

  @Test func nothingStaysInSlots() throws {
    let slots = try SecretPool(slots: 8, slotSize: SubmittedForm.slotBytes)
    for one in Self.cases.prefix(40) {
      let body = "number=\(Self.escaped(one.value))&expiry=1&cvc=12&name=x"
      guard var form = SubmittedForm(Array(body.utf8).rawSpan, slots: slots) else { continue }
      _ = CardRules(table: .standard, unixSeconds: 0).check(&form, slots: slots)
    }
    #expect(slots.slotsInUse == 0)
  }

  private static func number(of brand: String?) -> String {
    switch brand {
    case "none": ""
    case "amex": "378282246310005"
    case "mastercard": "5555555555554444"
    default: "4970105181818183"
    }
  }

  private static func escaped(_ text: String) -> String {
    Array(text.utf8).map { byte in
      let digits = String(byte, radix: 16)
      return "%" + (digits.count < 2 ? "0" : "") + digits
    }.joined()
  }
}
