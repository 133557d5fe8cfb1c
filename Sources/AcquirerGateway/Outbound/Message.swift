import Cards
import JSON
import NIOCore
import SecretMemory
import Tokenization
import VaultCore

/// One message to an acquirer: a template, and everything that goes into it.
///
/// Making it renders nothing; the card's digits are copied when the connection stands, straight
/// from secret memory into the one buffer that goes to TLS.
struct Message: Sendable {
  let template: OperationTemplate
  let payment: Payment
  let card: ReleasedCard
  let identifier: PaymentIdentifier
  /// The merchant's constants.
  let constants: [String: String]
  /// The host, with the port where that is not 443.
  let authority: String
  /// The path before the template's own.
  let basePath: String
  /// What stands after `Authorization: `.
  let authorization: SecretHeader?
  let nowMilliseconds: Int64

  /// Whether every constant is there and fits where it goes; what is left cannot fail, since the payment was
  /// checked under the same template.
  func canBeRendered() -> Bool {
    template.constants.allSatisfy { use in
      constants[use.name].map { use.accepts($0) } ?? false
    }
  }

  /// The whole message in one buffer of its exact length.
  func rendered(_ allocator: ByteBufferAllocator) -> ByteBuffer {
    var body = MessageWriter(into: nil)
    write(template.body, to: &body)
    var head = MessageWriter(into: nil)
    writeHead(contentLength: body.count, to: &head)
    let count = head.count + body.count
    var writer = MessageWriter(into: allocator.buffer(capacity: count))
    writeHead(contentLength: body.count, to: &writer)
    write(template.body, to: &writer)
    precondition(writer.count == count, "a message has one length")
    return writer.buffer ?? ByteBuffer()
  }

  // MARK: - Head

  private func writeHead(contentLength: Int, to writer: inout MessageWriter) {
    writer.write(template.method)
    writer.write(" ")
    writer.write(basePath)
    for part in template.path {
      switch part {
      case .literal(let text): writer.write(text)
      case .segment(let value):
        writer.write("/")
        write(value, to: &writer)
      }
    }
    writer.write(" HTTP/1.1\r\nHost: ")
    writer.write(authority)
    writer.write("\r\n")
    writer.write(template.standingLines)
    for header in template.headers {
      writer.write(header.name)
      writer.write(": ")
      write(header.value, to: &writer)
      writer.write("\r\n")
    }
    if let authorization {
      writer.write("Authorization: ")
      write(authorization.value, to: &writer)
      writer.write("\r\n")
    }
    writer.write("Content-Length: \(contentLength)\r\n\r\n")
  }

  private func write(_ value: HeadValue, to writer: inout MessageWriter) {
    switch value {
    case .literal(let text): writer.write(text)
    case .paymentIdentifier: writer.write(identifier.text)
    case .operation: writer.write(payment.operation.rawValue)
    case .constant(let name): writer.write(constants[name] ?? "")
    case .secret(let header): write(header.value, to: &writer)
    }
  }

  // MARK: - Body

  private func write(_ node: TemplateNode, to writer: inout MessageWriter) {
    switch node {
    case .literal(let json): writer.write(json)
    case .constant(let name, let form):
      let value = constants[name] ?? ""
      if form == .integer { writer.write(value) } else { writer.writeJSON(value) }
    case .variable(let placeholder): write(placeholder, to: &writer)
    case .input(let placeholder): write(placeholder, to: &writer)
    case .choice(let placeholder):
      writer.write(placeholder.value(for: payment) ?? Array("null".utf8))
    case .array(let elements, _):
      writer.write("[")
      var isFirst = true
      for element in elements where isPresent(element) {
        if !isFirst { writer.write(",") }
        isFirst = false
        write(element, to: &writer)
      }
      writer.write("]")
    case .object(let members, _):
      writer.write("{")
      var isFirst = true
      for member in members where isPresent(member.value) {
        if !isFirst { writer.write(",") }
        isFirst = false
        writer.write(member.name)
        write(member.value, to: &writer)
      }
      writer.write("}")
    }
  }

  /// Whether a value is written. One whose placeholders are all optional is left out, with the
  /// literals beside them, where the request had none of them.
  private func isPresent(_ node: TemplateNode) -> Bool {
    switch node {
    case .literal, .constant: return true
    case .variable(let placeholder): return isPresent(placeholder)
    case .input(let placeholder): return isPresent(placeholder)
    case .choice(let placeholder): return placeholder.value(for: payment) != nil
    case .object(_, let placeholders), .array(_, let placeholders):
      return placeholders?.contains { placeholder in
        switch placeholder {
        case .variable(let variable): isPresent(variable)
        case .input(let input): isPresent(input)
        case .choice(let choice): choice.value(for: payment) != nil
        }
      } ?? true
    }
  }

  private func isPresent(_ placeholder: InputPlaceholder) -> Bool {
    payment.value(of: placeholder.input) != nil
  }

  private func isPresent(_ placeholder: VariablePlaceholder) -> Bool {
    guard placeholder.variable == .cardPreferredBrand else {
      return payment.has(placeholder.variable)
    }
    // A scheme that the acquirer has no word for is a wish that cannot be passed on.
    guard let brand = card.card.preferredBrand else { return false }
    return placeholder.map.map { $0[brand.name] != nil } ?? true
  }

  private func write(_ placeholder: InputPlaceholder, to writer: inout MessageWriter) {
    guard let value = payment.value(of: placeholder.input) else { return writer.write("null") }
    if let map = placeholder.map {
      return writer.write(value.word.flatMap { map[$0] } ?? Array("null".utf8))
    }
    let text: String
    switch value {
    case .text(let text): return writer.writeJSON(text)
    case .integer(let value): text = String(value)
    case .boolean(let value): text = value ? "true" : "false"
    case .unfit: text = "null"
    }
    if placeholder.isQuoted { writer.writeJSON(text) } else { writer.write(text) }
  }

  private func write(_ placeholder: VariablePlaceholder, to writer: inout MessageWriter) {
    if let map = placeholder.map {
      let value = text(placeholder.variable)
      return writer.write(value.flatMap { map[$0] } ?? Array("null".utf8))
    }
    switch placeholder.variable {
    case .cardNumber: write(card.card, to: &writer)
    case .securityCode: writeSecurityCode(to: &writer)
    case .cardExpiry: write(card.card.expiry, as: placeholder.form, to: &writer)
    case .amountValue: writeAmount(as: placeholder.form, to: &writer)
    case .now: writeTime(as: placeholder.form, to: &writer)
    case .threeDSecureScore where placeholder.form == .integer:
      writer.write(text(.threeDSecureScore).flatMap { Int($0) }.map { String($0) } ?? "null")
    case .amountCurrency where placeholder.form == .currencyNumeric:
      writer.writeJSON(payment.amount?.currency.numericText ?? "")
    default: writer.writeJSON(text(placeholder.variable) ?? "")
    }
  }

  private func text(_ variable: TemplateVariable) -> String? {
    switch variable {
    case .cardPreferredBrand: card.card.preferredBrand?.name
    case .paymentIdentifier: identifier.text
    default: payment.text(variable)
    }
  }

  private func write(_ header: borrowing SecretBytes, to writer: inout MessageWriter) {
    writer.write(header.bytes)
  }

  private func write(_ card: borrowing StoredCard, to writer: inout MessageWriter) {
    writeQuoted(card.pan.digits, to: &writer)
  }

  /// Digits need no escape.
  private func writeQuoted(_ digits: RawSpan, to writer: inout MessageWriter) {
    writer.write("\"")
    writer.write(digits)
    writer.write("\"")
  }

  private func writeSecurityCode(to writer: inout MessageWriter) {
    guard let code = payment.securityCode else { return writer.write("null") }
    code.withDigits { writeQuoted($0, to: &writer) }
  }

  private func write(_ expiry: Expiry, as form: ValueForm, to writer: inout MessageWriter) {
    writer.write("\"")
    if form == .year { writer.write(expiry.year, digits: 4) }
    if form == .shortYear || form == .yearMonth { writer.write(expiry.year % 100, digits: 2) }
    if form == .month || form == .yearMonth { writer.write(expiry.month, digits: 2) }
    writer.write("\"")
  }

  private func writeAmount(as form: ValueForm, to writer: inout MessageWriter) {
    guard let amount = payment.amount else { return writer.write("null") }
    switch form {
    case .amountDecimal: writer.writeJSON(amount.decimalText)
    case .string: writer.writeJSON(String(amount.value))
    default: writer.write(String(amount.value))
    }
  }

  private func writeTime(as form: ValueForm, to writer: inout MessageWriter) {
    if form == .integer {
      writer.write(String(nowMilliseconds / 1_000))
    } else {
      writer.writeJSON(RFC3339.string(unixMilliseconds: nowMilliseconds))
    }
  }
}

/// A header's value in secret memory.
final class SecretHeader: Sendable {
  let value: SecretBytes

  init(_ value: consuming SecretBytes) {
    self.value = value
  }
}

extension ConstantUse {
  /// Whether a merchant's value can stand where the template puts it.
  func accepts(_ value: String) -> Bool {
    if isInteger { return Int64(value).map { String($0) == value } ?? false }
    if isInHead { return HeadCharacters.isPathSegment(value) }
    return value.utf8.count <= 1_024
  }
}
