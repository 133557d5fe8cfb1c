import Bytes
import ConfigurationReading
import Glibc
import TestSupport
import Testing
import Tokenization

@testable import AcquirerGateway

/// A template of `deploy/acquirers`, as an operator would find it.
struct SampleTemplate {
  let template: AcquirerTemplate

  /// - Parameter secrets: the files that it takes secrets from, with their content.
  init(_ name: String, secrets: KeyValuePairs<String, String> = [:]) throws {
    let root = "\(#filePath)".split(separator: "/").dropLast(3).joined(separator: "/")
    let directory = try TemporaryDirectory()
    for (name, text) in secrets {
      let path = try directory.write(text, to: name)
      guard unsafe chmod(path, 0o600) == 0 else { throw Missing(what: name) }
    }
    let diagnostics = Diagnostics()
    let tree = ConfigurationTree.read("/\(root)/deploy/acquirers/\(name).yaml", diagnostics)
    let template = tree.flatMap {
      TemplateCompiler.compile($0, directory: directory.path, diagnostics)
    }
    #expect(diagnostics.all.map(\.description) == [])
    self.template = try Fixture.required(template, name)
  }

  func operation(_ operation: PaymentOperation) throws -> OperationTemplate {
    try Fixture.required(template.operations[operation], operation.rawValue)
  }

  /// The message for a payment that it takes.
  func message(
    _ payment: Payment, _ card: ReleasedCard, constants: [String: String]
  ) throws -> (head: [String], body: String) {
    let message = Fixture.message(
      try operation(payment.operation), payment, card, constants: constants)
    #expect(message.canBeRendered())
    return Fixture.rendered(message)
  }

  /// What an answer means, as one line.
  func outcome(
    _ answer: String, status: Int = 200, of operation: PaymentOperation = .authorize,
    requestedAmount: Int64 = 12345
  ) throws -> String {
    let reader = AnswerReader(
      rules: try self.operation(operation).answer, requestedAmount: requestedAmount, decimals: 2,
      operation: operation)
    return describe(
      reader.outcome(
        status: status, body: Array(answer.utf8).rawSpan,
        cardNumber: Array("4970105181818183".utf8).rawSpan))
  }
}

/// One answer of an acquirer, and what the vault makes of it.
struct AnswerCase: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let answer: String
  let expected: String

  init(_ name: String, _ answer: String, _ expected: String) {
    testDescription = name
    self.answer = answer
    self.expected = expected
  }
}

extension Fixture {
  /// All that Cartes Bancaires' 3-D Secure gives.
  static let cartesBancaires = ThreeDSecure([
    .version: "2.2.0", .transStatus: "Y", .eci: "05", .cavv: "AAABBEg0VhI0VniQEjRWAAAAAAA=",
    .dsTransactionIdentifier: "f25084f0-5b16-4c0a-ae5d-b24808a95e4b",
    .acsTransactionIdentifier: "2e29b2cc-6a2b-4c37-a0fd-6c5c4b8c6f01", .transStatusReason: "15",
    .cavvAlgorithm: "4", .networkScore: "12", .exemption: "AAEA",
  ])
}
