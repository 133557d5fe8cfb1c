import AccessPolicy
import Bytes
import Cards
import ConfigurationReading
import Glibc
import NIOCore
import SecretMemory
import TestSupport
import Testing
import Tokenization
import VaultCore

@testable import AcquirerGateway

/// What every test is made of.
enum Fixture {
  static let pool = Result { try SecretPool(slots: 256, slotSize: 32) }
  static let identifier = PaymentIdentifier(
    UUIDv7(milliseconds: 1_795_459_405_000, counter: 7, random: 99))
  /// 2026-11-23T18:43:25Z.
  static let now: Int64 = 1_795_459_405_000

  static func slot(_ text: String) throws -> SecretSlot {
    guard var slot = try pool.get().lease() else { throw Missing(what: "slot") }
    for byte in text.utf8 { _ = slot.append(byte) }
    return slot
  }

  static func card(
    _ number: String = "4970105181818183", month: Int = 11, year: Int = 2028,
    preferredBrand: Brand? = nil
  ) throws -> ReleasedCard {
    let pan = try PAN.parse(Array(number.utf8).rawSpan, into: slot(""))
    return ReleasedCard(
      StoredCard(
        pan: pan, expiry: try Expiry(month: month, year: year), preferredBrand: preferredBrand))
  }

  static let threeDSecure = ThreeDSecure([
    .version: "2.2.0", .transStatus: "Y", .eci: "05", .cavv: "AAABBEg0VhI0VniQEjRWAAAAAAA=",
    .dsTransactionIdentifier: "f25084f0-5b16-4c0a-ae5d-b24808a95e4b",
  ])

  static func payment(
    _ operation: PaymentOperation = .authorize, amount: Int64? = 4990, currency: String = "EUR",
    reference: String? = "order-1042", cvc: String? = nil, initiator: Initiator? = nil,
    storedCredential: StoredCredential? = nil, threeDSecure: ThreeDSecure? = nil,
    scaExemption: ScaExemption? = nil, inputs: KeyValuePairs<String, PaymentInput.Value> = [:]
  ) throws -> Payment {
    let unit = try required(Currency(code: currency), "currency")
    let money = try amount.map { try Money(value: $0, currency: unit) }
    let code = try cvc.map { SecurityCode(try slot($0)) }
    return Payment(
      operation: operation, amount: money,
      reference: reference.flatMap { PaymentReference($0) }, securityCode: code,
      initiator: initiator, storedCredential: storedCredential, threeDSecure: threeDSecure,
      scaExemption: scaExemption,
      inputs: inputs.map { PaymentInput(name: $0.key, value: $0.value) })
  }

  static func stored(
    _ use: StoredCredential.Use, _ sequence: StoredCredential.Sequence,
    network: String? = nil
  ) -> StoredCredential {
    StoredCredential(use: use, sequence: sequence, networkTransactionIdentifier: network)
  }

  /// A merchant that works with the acquirer `bank`.
  static func merchant(
    _ name: String = "shop", constants: [String: String] = ["merchant_id": "12345678"],
    basic: BasicCredentials? = nil, bearerFile: String? = nil
  ) -> Merchant {
    Merchant(
      name: name, number: 1, clients: [],
      authority: AuthorityReference(certificatePaths: ["/none"]),
      operations: [.detokenize],
      acquirers: [
        "bank": MerchantAcquirer(constants: constants, basic: basic, bearerFile: bearerFile)
      ])
  }

  /// A message with everything that a template may want.
  static func message(
    _ template: OperationTemplate, _ payment: Payment, _ card: ReleasedCard,
    constants: [String: String] = ["merchant_id": "12345678"]
  ) -> Message {
    Message(
      template: template, payment: payment, card: card, identifier: identifier,
      constants: constants, authority: "bank.example", basePath: "", authorization: nil,
      nowMilliseconds: now)
  }

  /// The head's lines and the body of a message.
  static func rendered(_ message: Message) -> (head: [String], body: String) {
    let text = String(buffer: message.rendered(ByteBufferAllocator()))
    guard let end = text.firstRange(of: "\r\n\r\n") else { return ([text], "") }
    return (
      text[..<end.lowerBound].split(separator: "\r\n").map(String.init),
      String(text[end.upperBound...])
    )
  }

  /// Compiles a template; the mistakes where there are any.
  static func compile(
    _ text: String, file: String = "t.yaml"
  ) -> (template: AcquirerTemplate?, mistakes: [String]) {
    let diagnostics = Diagnostics()
    let tree = ConfigurationTree.parse(Array(text.utf8), file: file, diagnostics)
    let template = tree.flatMap { TemplateCompiler.compile($0, directory: "/", diagnostics) }
    return (template, diagnostics.all.map(\.description))
  }

  /// Compiles a template that has to be right, and takes one operation.
  static func operation(
    _ text: String, _ operation: PaymentOperation = .authorize
  ) throws -> OperationTemplate {
    let (template, mistakes) = compile(text)
    #expect(mistakes == [])
    return try required(template?.operations[operation], "operation")
  }

  static func required<Value>(_ value: Value?, _ what: String) throws -> Value {
    guard let value else { throw Missing(what: what) }
    return value
  }
}

extension TemporaryDirectory {
  func write(_ text: String, to name: String) throws -> String {
    let file = "\(path)/\(name)"
    guard let stream = unsafe fopen(file, "w") else { throw Missing(what: name) }
    defer { unsafe fclose(stream) }
    unsafe fputs(text, stream)
    return file
  }
}
