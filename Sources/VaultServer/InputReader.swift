import Bytes
import Cards
import JSON
import Tokenization
import VaultCore

/// Reads the `inputs` of a push as far as that can be done without the acquirer's template.
///
/// A card number is looked for before anything is kept, by the rule of `reference`: in texts of any
/// script, and in whole numbers.
struct InputReader {
  /// The ranges that tell a card number from another one.
  let brands: BrandTable

  /// The inputs in the order of the request; those that are `null` count as absent.
  ///
  /// - Throws: `invalid-member` where `inputs` is no object, or has more than
  ///   ``PaymentInput/most``.
  func read(_ body: borrowing RequestBody) throws(Problem) -> [PaymentInput] {
    let document = body.document
    guard let object = document.presentMember("inputs", of: document.root) else { return [] }
    guard object.kind == .object else { throw Problem(.invalidMember, pointer: "/inputs") }
    var inputs: [PaymentInput] = []
    for member in document.members(of: object) where member.kind != .null {
      guard inputs.count < PaymentInput.most else {
        throw Problem(.invalidMember, pointer: "/inputs")
      }
      inputs.append(PaymentInput(name: name(of: member, document), value: value(member, document)))
    }
    return inputs
  }

  private func name(of member: JSONDocument.Node, _ document: JSONDocument) -> String? {
    // Judged before anything is kept: a card number may stand here too.
    var form = InputNameForm()
    var finder = CardNumberFinder(brands)
    document.forEachByte(ofNameOf: member) { byte in
      form.take(byte)
      finder.take(Unicode.Scalar(byte))
    }
    let holdsNumber = finder.finish()
    return form.isRight && !holdsNumber ? document.key(of: member) : nil
  }

  private func value(_ node: JSONDocument.Node, _ document: JSONDocument) -> PaymentInput.Value {
    switch node.kind {
    case .true: .boolean(true)
    case .false: .boolean(false)
    case .number: integer(node, document)
    case .string: text(node, document)
    case .object, .array, .null: .unfit
    }
  }

  private func integer(_ node: JSONDocument.Node, _ document: JSONDocument) -> PaymentInput.Value {
    guard let value = document.integer(of: node) else { return .unfit }
    var finder = CardNumberFinder(brands)
    finder.take(value.magnitude)
    return finder.finish() ? .unfit : .integer(value)
  }

  private func text(_ node: JSONDocument.Node, _ document: JSONDocument) -> PaymentInput.Value {
    var finder = CardNumberFinder(brands)
    var scalars = ScalarReader()
    var count = 0
    var hasControls = false
    document.forEachByte(of: node) { byte in
      count += 1
      guard count <= PaymentInput.longestText, let scalar = scalars.take(byte) else { return }
      hasControls = hasControls || scalar.properties.generalCategory == .control
      finder.take(scalar)
    }
    guard count <= PaymentInput.longestText, !hasControls else { return .unfit }
    let isUUID = document.plainBytes(of: node)?.isUUID ?? false
    guard !finder.finish() || isUUID, let text = document.string(of: node) else { return .unfit }
    return .text(text)
  }
}

/// Whether what goes by is the name of an input: 1 to 32 of `a-z 0-9 _`, without eight digits in a row,
/// which nobody's names have and card numbers do. Only such a name is told back.
private struct InputNameForm {
  private var count = 0
  private var digits = 0
  private var hasOthers = false

  mutating func take(_ byte: UInt8) {
    count += 1
    digits = isDigit(byte) ? digits + 1 : 0
    let isAllowed =
      isDigit(byte) || byte == UInt8(ascii: "_")
      || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
    hasOthers = hasOthers || !isAllowed || digits >= 8
  }

  var isRight: Bool { !hasOthers && (1...32).contains(count) }
}

/// Puts the scalars of a text together from its bytes, which the JSON parser has found to be UTF-8.
private struct ScalarReader {
  private var value: UInt32 = 0
  private var missing = 0

  /// Takes a byte; the scalar that ends with it, if one does.
  mutating func take(_ byte: UInt8) -> Unicode.Scalar? {
    switch byte {
    case 0..<0x80: return Unicode.Scalar(byte)
    case 0x80..<0xC0:
      value = value << 6 | UInt32(byte & 0x3F)
      missing -= 1
      return missing == 0 ? Unicode.Scalar(value) : nil
    case 0xC0..<0xE0: (value, missing) = (UInt32(byte & 0x1F), 1)
    case 0xE0..<0xF0: (value, missing) = (UInt32(byte & 0x0F), 2)
    default: (value, missing) = (UInt32(byte & 0x07), 3)
    }
    return nil
  }
}
