import Bytes
package import Cards
package import SecretMemory

/// A card as it was typed, checked.
package struct TypedCard: ~Copyable {
  package let number: PAN
  package let expiry: Expiry
  /// Three or four digits.
  package let code: SecretSlot
  package let brands: BrandMatch
  /// What the shopper has chosen of two brands.
  package let scheme: Brand?
  /// As it stands on the card; nil where it was not asked for.
  package let name: String?
}

/// What a card has to be, to be tried.
package struct CardRules: Sendable {
  package let table: BrandTable
  /// Whether the name on the card is asked for.
  package let asksName: Bool
  /// UTC, as of now.
  package let unixSeconds: Int64
  /// How far ahead an expiry may lie.
  package static let mostYears = 20

  package init(table: BrandTable, asksName: Bool = false, unixSeconds: Int64) {
    self.table = table
    self.asksName = asksName
    self.unixSeconds = unixSeconds
  }

  /// How many digits the code of a card has.
  package static func codeLength(of brands: BrandMatch) -> Int { brands.brand == .amex ? 4 : 3 }
}

extension CardRules {
  package enum Checked: ~Copyable {
    case card(TypedCard)
    case faults([FieldFault])
  }

  /// Checks what was typed; every field that is wrong is told, in the order of the form.
  package func check(_ form: inout SubmittedForm, slots: SecretPool) -> Checked {
    var faults: [FieldFault] = []
    var number: PAN?
    var brands: BrandMatch?
    switch self.number(form.takeNumber(), slots) {
    case .success(let pan, let match):
      number = consume pan
      brands = match
    case .failure(let fault): faults.append(fault)
    }
    var expiry: Expiry?
    switch self.expiry(form.expiry) {
    case .success(let value): expiry = value
    case .failure(let fault): faults.append(fault.fault)
    }
    let length = brands.map { Self.codeLength(of: $0) }
    var code: SecretSlot?
    switch Self.code(form.takeCode(), length: length, slots) {
    case .success(let slot): code = consume slot
    case .failure(let fault): faults.append(fault)
    }
    var name: String?
    if asksName {
      switch Self.name(form.takeName()) {
      case .success(let text): name = text
      case .failure(let fault): faults.append(fault.fault)
      }
    }
    var scheme: Brand?
    if let wanted = form.plain["scheme"].flatMap({ Brand($0) }), let brands,
      brands.brands.count > 1
    {
      if brands.brands.contains(wanted) {
        scheme = wanted
      } else {
        faults.append(FieldFault(.scheme, "scheme_wrong", ["scheme": wanted.name]))
      }
    }
    guard faults.isEmpty, let number = number.take(), let expiry, let brands,
      let code = code.take()
    else { return .faults(faults) }
    return .card(
      TypedCard(
        number: number, expiry: expiry, code: code, brands: brands, scheme: scheme,
        name: name))
  }

  /// What checking one field gives.
  package enum Field<Value: ~Copyable>: ~Copyable {
    case success(Value)
    case failure(FieldFault)
  }

  private enum NumberField: ~Copyable {
    case success(PAN, BrandMatch)
    case failure(FieldFault)
  }

  private func number(_ typed: consuming SecretSlot?, _ slots: SecretPool) -> NumberField {
    guard let typed, let slot = slots.lease() else {
      return .failure(FieldFault(.number, "number_empty"))
    }
    var builder = PANBuilder(slot: slot)
    var prefix: UInt64 = 0
    var count = 0
    var text = TypedText(typed.bytes)
    while let character = text.next() {
      switch character {
      case .space: continue
      case .separator(let mark) where !["/", "\u{2044}", "\u{FF0F}"].contains(mark): continue
      case .digit(let digit):
        count += 1
        if count <= 12 { prefix = prefix * 10 + UInt64(digit) }
        guard count <= PAN.lengths.upperBound else { continue }
        do { try builder.append(UInt8(ascii: "0") + digit) } catch {
          return .failure(FieldFault(.number, "number_digits"))
        }
      case .separator, .other: return .failure(FieldFault(.number, "number_digits"))
      }
    }
    guard count > 0 else { return .failure(FieldFault(.number, "number_empty")) }
    if let fault = lengthFault(prefix, count) { return .failure(fault) }
    do {
      let pan = try builder.finish(by: table)
      let match = try table.match(pan)
      return .success(pan, match)
    } catch {
      let key = error == .unsupportedBrand ? "number_brand" : "number_check"
      return .failure(FieldFault(.number, key))
    }
  }

  /// Whether digits are missing or too many, by what the first ones say of the card.
  private func lengthFault(_ prefix: UInt64, _ count: Int) -> FieldFault? {
    let lengths = self.lengths(prefix, digits: min(count, 12)) ?? PAN.lengths.map { $0 }
    guard let most = lengths.max(), !lengths.contains(count) else { return nil }
    return FieldFault(
      .number, count > most ? "number_long" : "number_short", ["n": String(count)])
  }

  /// The lengths of numbers that begin so; nil where no range is known, or more than one.
  private func lengths(_ prefix: UInt64, digits: Int) -> [Int]? {
    let scale = (0..<(12 - digits)).reduce(UInt64(1)) { value, _ in value * 10 }
    let low = prefix * scale
    let kinds = Set(table.stretches(in: low...(low + scale - 1)).map(\.kind))
    guard kinds.count == 1, let kind = kinds.first ?? nil else { return nil }
    return kind.lengths.sorted()
  }

  private struct Fault: Error { let fault: FieldFault }

  private func expiry(_ typed: borrowing SecretSlot?) -> Result<Expiry, Fault> {
    guard let parts = Self.dateParts(typed) else {
      return .failure(Fault(fault: FieldFault(.expiry, "expiry_form")))
    }
    guard !parts.isEmpty else {
      return .failure(Fault(fault: FieldFault(.expiry, "expiry_empty")))
    }
    guard let (month, year) = Self.monthAndYear(parts), (1...12).contains(month) else {
      return .failure(Fault(fault: FieldFault(.expiry, "expiry_form")))
    }
    guard let expiry = try? Expiry(month: month, year: year) else {
      return .failure(Fault(fault: FieldFault(.expiry, "expiry_far")))
    }
    if expiry.isExpired(at: unixSeconds) {
      let values = ["month": String(month), "year": String(year)]
      return .failure(Fault(fault: FieldFault(.expiry, "expiry_past", values)))
    }
    guard year - Self.year(at: unixSeconds) <= Self.mostYears else {
      return .failure(Fault(fault: FieldFault(.expiry, "expiry_far")))
    }
    return .success(expiry)
  }

  /// The year of a moment, UTC.
  private static func year(at unixSeconds: Int64) -> Int {
    var year = 2000
    while year < 2099, let next = try? Expiry(month: 12, year: year),
      next.endUnixSeconds - 43_200 <= unixSeconds
    {
      year += 1
    }
    return year
  }

  /// The groups of digits of a date; nil where something else stands there, or two marks in a row.
  private static func dateParts(_ typed: borrowing SecretSlot?) -> [[UInt8]]? {
    // Where a mark stands, blanks do not divide.
    var byMark: [[UInt8]] = [[]]
    var byBlank: [[UInt8]] = [[]]
    switch typed {
    case .none: return []
    case .some(let slot):
      var text = TypedText(slot.bytes)
      while let character = text.next() {
        switch character {
        case .digit(let digit):
          byMark[byMark.count - 1].append(digit)
          byBlank[byBlank.count - 1].append(digit)
        case .space: byBlank.append([])
        case .separator: byMark.append([])
        case .other: return nil
        }
      }
    }
    if byMark.count > 1 {
      return byMark.count > 2 || byMark.contains([]) ? nil : byMark
    }
    return byBlank.filter { !$0.isEmpty }
  }

  /// `M/YY MM/YY MM/YYYY MMYY MMYYYY YYYY-MM`; digits with blanks between them are one group.
  private static func monthAndYear(_ parts: [[UInt8]]) -> (month: Int, year: Int)? {
    func number(_ digits: some Sequence<UInt8>) -> Int {
      digits.reduce(0) { $0 * 10 + Int($1) }
    }
    func year(_ digits: some Collection<UInt8>) -> Int? {
      switch digits.count {
      case 2: 2000 + number(digits)
      case 4: number(digits)
      default: nil
      }
    }
    switch parts.count {
    case 2 where parts[0].count == 4 && parts[1].count == 2:
      return (number(parts[1]), number(parts[0]))
    case 2 where (1...2).contains(parts[0].count):
      return year(parts[1]).map { (number(parts[0]), $0) }
    default: break
    }
    let all = parts.flatMap { $0 }
    switch all.count {
    case 4: return (number(all.prefix(2)), 2000 + number(all.suffix(2)))
    case 6 where number(all.prefix(2)) > 12: return (number(all.suffix(2)), number(all.prefix(4)))
    case 6: return (number(all.prefix(2)), number(all.suffix(4)))
    default: return nil
    }
  }

  /// 2 to 45 characters, and no number of a card, nor a code, that was typed into the wrong field.
  private static func name(_ typed: consuming SecretSlot?) -> Result<String, Fault> {
    let empty = Fault(fault: FieldFault(.name, "name_empty"))
    guard let typed else { return .failure(empty) }
    var digits = 0
    var others = 0
    var text = TypedText(typed.bytes)
    while let character = text.next() {
      switch character {
      case .digit: digits += 1
      case .space: break
      case .separator, .other: others += 1
      }
    }
    guard digits < 12, others > 0 || digits == 0 else {
      return .failure(Fault(fault: FieldFault(.name, "name_digits")))
    }
    guard digits + others >= 2 else { return .failure(empty) }
    // It is no secret any more, and no number.
    let words = typed.bytes.text.split(whereSeparator: \.isWhitespace)
    return .success(String(words.joined(separator: " ").prefix(45)))
  }

  private enum CodeField: ~Copyable {
    case success(SecretSlot)
    case failure(FieldFault)
  }

  /// - Parameter length: 3 or 4; nil where the card is not known, and either will do.
  private static func code(
    _ typed: consuming SecretSlot?, length: Int?, _ slots: SecretPool
  ) -> CodeField {
    let fault = FieldFault(.cvc, "cvc_count", ["n": String(length ?? 3)])
    guard let typed, var slot = slots.lease() else { return .failure(fault) }
    var text = TypedText(typed.bytes)
    while let character = text.next() {
      switch character {
      case .space: continue
      case .digit(let digit):
        guard slot.count < 4, slot.append(UInt8(ascii: "0") + digit) else { return .failure(fault) }
      case .separator, .other: return .failure(fault)
      }
    }
    guard slot.count == length || length == nil && slot.count >= 3 else { return .failure(fault) }
    return .success(slot)
  }

  /// Checks a code alone, of a card that is known.
  package static func code(
    _ form: inout SubmittedForm, of brand: String, slots: SecretPool
  ) -> Field<SecretSlot> {
    switch code(form.takeCode(), length: brand == Brand.amex.name ? 4 : 3, slots) {
    case .success(let slot): .success(slot)
    case .failure(let fault): .failure(fault)
    }
  }
}

extension TypedCard {
  /// The code, when nothing else is needed any more.
  package consuming func takeCode() -> SecretSlot { code }
}
