import Bytes
import Cards
import ConfigurationReading
import JSON
import Payments

/// What a shop asks for with `POST /v1/payments`, checked.
struct PaymentOrder: Sendable {
  let reference: String
  let amount: Money
  let returnURL: String
  var customer: String?
  var description: String?
  var items: [Payment.Item] = []
  var language: Language?
  var methods: [Method] = []
  var keepCard = Payment.KeepCard.never
  var inputs: [String: InputValue] = [:]
  var capture: String?

  static let mostItems = 100
  static let longestLabel = 120

  private static let members: Set<String> = [
    "reference", "amount", "return_url", "customer", "description", "items", "language", "methods",
    "keep_card", "inputs", "capture",
  ]

  /// - Throws: ``PageProblem``.
  init(_ body: [UInt8], for merchant: PageMerchant, _ table: BrandTable) throws {
    let document: JSONDocument
    do { document = try JSONDocument(body.rawSpan, maximumNodes: 1_024) } catch {
      throw PageProblem.malformed("the body is not one object of JSON")
    }
    let root = document.root
    guard root.kind == .object else {
      throw PageProblem.malformed("the body is not one object of JSON")
    }
    let reader = OrderReader(document: document)
    try reader.check(root, at: "", allowed: Self.members)
    reference = try reader.requiredText("reference", of: root, at: "")
    guard Self.isReference(reference) else { throw PageProblem.invalid("/reference") }
    amount = try reader.amount(root)
    returnURL = try reader.requiredText("return_url", of: root, at: "")
    guard returnURL.utf8.count <= 2_048, returnURL.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }),
      !returnURL.contains("#"), !returnURL.contains("\""),
      merchant.settings.returnURLs.contains(where: { returnURL.hasPrefix($0) })
    else {
      throw PageProblem.invalid("/return_url", "it begins with none of \"return_urls\"")
    }
    customer = try reader.text("customer", of: root, at: "")
    if let customer, !Self.isCustomer(customer) { throw PageProblem.invalid("/customer") }
    description = try reader.text("description", of: root, at: "", atMost: 255)
    items = try reader.items(root)
    if let word = try reader.text("language", of: root, at: "") {
      guard let language = Language(rawValue: word), merchant.languages.contains(language) else {
        throw PageProblem.invalid("/language")
      }
      self.language = language
    }
    methods = try reader.methods(root, merchant.settings.methods)
    if let word = try reader.text("keep_card", of: root, at: "") {
      guard let keep = Payment.KeepCard(rawValue: word) else {
        throw PageProblem.invalid("/keep_card")
      }
      guard keep == .never || customer != nil else {
        throw PageProblem.invalid("/keep_card", "\"offer\" needs a customer")
      }
      keepCard = keep
    }
    inputs = try reader.inputs(root, merchant.settings.inputs)
    capture = try reader.text("capture", of: root, at: "")
    if let capture, !["auto", "manual"].contains(capture) { throw PageProblem.invalid("/capture") }
    try checkNumbers(CardNumberGuard(table: table))
  }

  /// Nothing that is stored holds a card number.
  private func checkNumbers(_ numbers: CardNumberGuard) throws {
    try numbers.check(reference, at: "/reference")
    try numbers.check(returnURL, at: "/return_url")
    try numbers.check(customer, at: "/customer")
    try numbers.check(description, at: "/description")
    for (index, item) in items.enumerated() {
      try numbers.check(item.label, at: "/items/\(index)/label")
    }
    for (name, value) in inputs {
      if case .text(let text) = value { try numbers.check(text, at: "/inputs/\(name)") }
    }
  }

  private static func isReference(_ text: String) -> Bool {
    (1...40).contains(text.utf8.count)
      && text.utf8.allSatisfy { isLetterOrDigit($0) || "._-".utf8.contains($0) }
  }

  private static func isCustomer(_ text: String) -> Bool {
    (1...64).contains(text.utf8.count)
      && text.utf8.allSatisfy { isLetterOrDigit($0) || "._:-".utf8.contains($0) }
  }
}

/// Reads members, each by the name that its pointer has.
struct OrderReader: ~Escapable {
  let document: JSONDocument

  @_lifetime(copy document)
  init(document: JSONDocument) { self.document = document }

  func check(_ object: JSONDocument.Node, at path: String, allowed: Set<String>) throws {
    for member in document.members(of: object) {
      let key = document.key(of: member)
      guard allowed.contains(key) else {
        throw PageProblem.unknown(Self.pointer(path, key))
      }
    }
  }

  /// The place of a member; that of its object where its name is not one that could be meant.
  static func pointer(_ path: String, _ key: String) -> String {
    let isPlain = key.utf8.count <= 32 && key.utf8.allSatisfy { isLetter($0) || $0 == 0x5F }
    return isPlain ? "\(path)/\(key)" : path
  }

  func text(
    _ name: String, of object: JSONDocument.Node, at path: String, atMost longest: Int = 2_048
  ) throws -> String? {
    guard let node = document.presentMember(name, of: object) else { return nil }
    guard let text = document.string(of: node), !text.isEmpty, text.count <= longest,
      text.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7F })
    else { throw PageProblem.invalid("\(path)/\(name)") }
    return text
  }

  func requiredText(
    _ name: String, of object: JSONDocument.Node, at path: String
  ) throws -> String {
    guard let text = try text(name, of: object, at: path) else {
      throw PageProblem.missing("\(path)/\(name)")
    }
    return text
  }

  func amount(_ root: JSONDocument.Node) throws -> Money {
    guard let object = document.presentMember("amount", of: root) else {
      throw PageProblem.missing("/amount")
    }
    guard object.kind == .object else { throw PageProblem.invalid("/amount") }
    try check(object, at: "/amount", allowed: ["value", "currency"])
    guard let node = document.presentMember("value", of: object) else {
      throw PageProblem.missing("/amount/value")
    }
    guard let value = document.integer(of: node), value > 0 else {
      throw PageProblem.invalid("/amount/value")
    }
    let code = try requiredText("currency", of: object, at: "/amount")
    guard ["EUR", "USD", "GBP", "CHF"].contains(code), let currency = Currency(code: code) else {
      throw PageProblem(
        422, "unsupported-currency", "The currency is not taken", pointer: "/amount/currency")
    }
    guard let money = try? Money(value: value, currency: currency) else {
      throw PageProblem.invalid("/amount/value")
    }
    return money
  }

  func items(_ root: JSONDocument.Node) throws -> [Payment.Item] {
    guard let list = document.presentMember("items", of: root) else { return [] }
    guard list.kind == .array else { throw PageProblem.invalid("/items") }
    var items: [Payment.Item] = []
    for node in document.elements(of: list) {
      let path = "/items/\(items.count)"
      guard node.kind == .object, items.count < PaymentOrder.mostItems else {
        throw PageProblem.invalid(path)
      }
      try check(node, at: path, allowed: ["label", "quantity", "amount"])
      guard
        let label = try text("label", of: node, at: path, atMost: PaymentOrder.longestLabel)
      else { throw PageProblem.missing("\(path)/label") }
      guard let amount = document.presentMember("amount", of: node) else {
        throw PageProblem.missing("\(path)/amount")
      }
      guard let value = document.integer(of: amount), abs(value) <= Money.largestValue else {
        throw PageProblem.invalid("\(path)/amount")
      }
      var quantity: Int?
      if let node = document.presentMember("quantity", of: node) {
        guard let number = document.integer(of: node), (1...1_000_000).contains(number) else {
          throw PageProblem.invalid("\(path)/quantity")
        }
        quantity = Int(number)
      }
      items.append(Payment.Item(label: label, quantity: quantity, amount: value))
    }
    return items
  }

  func methods(_ root: JSONDocument.Node, _ allowed: [String]) throws -> [Method] {
    let all = allowed.compactMap { Method(rawValue: $0) }
    guard let list = document.presentMember("methods", of: root) else { return all }
    guard list.kind == .array else { throw PageProblem.invalid("/methods") }
    var methods: [Method] = []
    var index = 0
    for node in document.elements(of: list) {
      guard let method = document.string(of: node).flatMap({ Method(rawValue: $0) }),
        all.contains(method), !methods.contains(method)
      else { throw PageProblem.invalid("/methods/\(index)") }
      methods.append(method)
      index += 1
    }
    guard !methods.isEmpty else { throw PageProblem.invalid("/methods") }
    return methods
  }

  func inputs(_ root: JSONDocument.Node, _ allowed: [String]) throws -> [String: InputValue] {
    guard let object = document.presentMember("inputs", of: root) else { return [:] }
    guard object.kind == .object else { throw PageProblem.invalid("/inputs") }
    try check(object, at: "/inputs", allowed: Set(allowed))
    var inputs: [String: InputValue] = [:]
    for member in document.members(of: object) {
      let key = document.key(of: member)
      if member.kind == .null { continue }
      if let text = document.string(of: member) {
        guard text.utf8.count <= 2_048 else { throw PageProblem.invalid("/inputs/\(key)") }
        inputs[key] = .text(text)
      } else if let flag = document.boolean(of: member) {
        inputs[key] = .boolean(flag)
      } else if let number = document.integer(of: member) {
        inputs[key] = .integer(number)
      } else {
        throw PageProblem.invalid("/inputs/\(key)")
      }
    }
    return inputs
  }
}
