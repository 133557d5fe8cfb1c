package import ConfigurationReading
import Tokenization
import VaultCore

/// Compiles the YAML tree of a template, and reports every mistake in it.
package enum TemplateCompiler {
  /// Compiles `tree`; nil where something is wrong with it, which has been reported then.
  ///
  /// - Parameters:
  ///   - tree: the template's file.
  ///   - directory: the absolute path where relative paths in it start.
  ///   - diagnostics: where mistakes go.
  package static func compile(
    _ tree: ConfigurationTree, directory: String, _ diagnostics: Diagnostics
  ) -> AcquirerTemplate? {
    guard let reader = MappingReader(tree, name: "", diagnostics) else { return nil }
    let known = diagnostics.count
    let url = BaseURL.read(reader, "url")
    let tls = reader.mapping("tls").flatMap { OutboundTLS.read($0, directory: directory) }
    let authorization = choice(
      reader, "authorization", among: AcquirerTemplate.Authorization.allCases)
    let inputs =
      reader.mapping("inputs").map { InputCompiler(diagnostics: diagnostics).compile($0) } ?? []
    let idempotency = choice(
      reader, "idempotent_by", among: AcquirerTemplate.IdempotencyMember.allCases)
    let sharedAnswer = reader.tree("answer").flatMap { tree in
      AnswerCompiler(diagnostics: diagnostics, operations: PaymentOperation.allCases).compile(
        tree, name: "answer")
    }
    var operations: [PaymentOperation: OperationTemplate] = [:]
    if let mapping = reader.requiredMapping("operations") {
      if mapping.named.isEmpty {
        diagnostics.report("\"operations\" names no operation", at: mapping.position)
      }
      for member in mapping.named {
        guard let operation = operation(member, diagnostics) else { continue }
        let name = mapping.path(member.key)
        guard let fields = MappingReader(member.tree, name: name, diagnostics) else { continue }
        let compiler = OperationCompiler(
          operation: operation, reader: fields, directory: directory, inputs: inputs,
          hasSharedAnswer: reader.has("answer"), sharedAnswer: sharedAnswer)
        operations[operation] = compiler.compile()
      }
    }
    checkUse(of: inputs, in: operations, reader)
    checkHandingOn(in: operations, reader)
    reader.finish()
    guard diagnostics.count == known else { return nil }
    return AcquirerTemplate(
      url: url, tls: tls, authorization: authorization, isIdempotent: idempotency != nil,
      position: tree.position, operations: operations)
  }

  private static func checkUse(
    of inputs: [TemplateInput], in operations: [PaymentOperation: OperationTemplate],
    _ reader: MappingReader
  ) {
    // Where an operation has a mistake, what it uses is not known.
    guard reader.mapping("operations")?.named.count == operations.count else { return }
    let used = Set(operations.values.flatMap(\.declaredInputs).map(\.name))
    for input in inputs where !used.contains(input.name) {
      reader.diagnostics.report(
        "no operation uses the input \(quoted(input.name))", at: reader.position(of: "inputs"),
        suggestion: "write {input: \(input.name)} where it goes, or remove it")
    }
  }

  /// What an authentication gives has to be of use for the payment: a shop sends it on as it is.
  private static func checkHandingOn(
    in operations: [PaymentOperation: OperationTemplate], _ reader: MappingReader
  ) {
    for (operation, template) in operations.sorted(by: { $0.key.rawValue < $1.key.rawValue })
    where operation.isAuthentication {
      let name = quoted(operation.rawValue)
      if !template.answer.mayAuthenticate {
        reader.diagnostics.report(
          "no rule says that \(name) ends in \"authenticated\"",
          at: reader.position(of: "operations"),
          suggestion: "write a rule with \"outcome: authenticated\"; \"approved\" is for payments")
      }
      guard let authorize = operations[.authorize] else { continue }
      for variable in TemplateVariable.allCases {
        guard let member = variable.threeDSecureMember, template.answer.threeDSecure[member] != nil,
          !authorize.uses.contains(variable), !authorize.ignores.contains(variable)
        else { continue }
        reader.diagnostics.report(
          "\(name) gives \(quoted(variable.rawValue)), which \"authorize\" does not know",
          at: reader.position(of: "operations"),
          suggestion: "use it there, or list it under \"ignores\"")
      }
    }
  }

  private static func operation(
    _ member: ConfigurationTree.Member, _ diagnostics: Diagnostics
  ) -> PaymentOperation? {
    if let operation = PaymentOperation(rawValue: member.key) { return operation }
    let names = PaymentOperation.allCases.map(\.rawValue)
    diagnostics.report(
      "unknown operation \(quoted(member.key))", at: member.position,
      suggestion: suggestion(for: member.key, among: names))
    return nil
  }
}

/// The word under a key, as one of a closed set; reports another one.
func choice<Value: RawRepresentable<String>>(
  _ reader: MappingReader, _ key: String, among values: [Value]
) -> Value? {
  guard let word = reader.string(key) else { return nil }
  if let value = values.first(where: { $0.rawValue == word }) { return value }
  reader.diagnostics.report(
    "\(quoted(reader.path(key))) does not know \(quoted(word))",
    at: reader.tree(key)?.position ?? reader.position,
    suggestion: suggestion(for: word, among: values.map(\.rawValue)))
  return nil
}

/// What to write instead of a word that is none of `candidates`.
func suggestion(for word: String, among candidates: [String]) -> String {
  if let closest = closest(to: word, among: candidates) {
    return "did you mean \(quoted(closest))?"
  }
  return "one of \(candidates.joined(separator: ", "))"
}
