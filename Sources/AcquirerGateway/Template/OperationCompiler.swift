import ConfigurationReading
import Tokenization
import VaultCore

/// Compiles one operation of a template.
struct OperationCompiler {
  let operation: PaymentOperation
  let reader: MappingReader
  /// Where relative paths start.
  let directory: String
  /// What the template declares beyond the vault's own list.
  let inputs: [TemplateInput]
  /// Whether the file has an answer for all operations, right or wrong.
  let hasSharedAnswer: Bool
  let sharedAnswer: AnswerRules?

  private var diagnostics: Diagnostics { reader.diagnostics }

  /// The operation; nil where something is missing or wrong, which has been reported.
  func compile() -> OperationTemplate? {
    let method = choice(reader, "method", among: Method.allCases) ?? .post
    var head = HeadCompiler(directory: directory, diagnostics: diagnostics)
    let path = reader.requiredTree("path").map { head.path($0, name: reader.path("path")) }
    let headers = reader.mapping("headers").map { head.headers($0) } ?? []
    var compiler = BodyCompiler(declared: inputs, diagnostics: diagnostics)
    let body = reader.requiredTree("body").flatMap { tree in
      compiler.compile(tree, name: reader.path("body"))
    }
    let (ignores, ignoredInputs) = ignored(usedIn: compiler)
    let answer = answerRules()
    checkWhole(compiler, head, ignores)
    reader.finish()
    guard let path, let body, let answer else { return nil }
    let placeholders = compiler.placeholders.map(\.placeholder)
    let uses = Set(compiler.variables)
    // What the request has no member for is the vault's own, and always there.
    let ofRequest = TemplateVariable.allCases.filter { $0.pointer != nil }
    let needed = Set(placeholders.filter { !$0.isOptional }.map(\.variable))
    return OperationTemplate(
      operation: operation, method: method.rawValue, path: path,
      standingLines: HeadCompiler.standingLines(beside: headers), headers: headers, body: body,
      uses: uses, ignores: ignores, inputs: compiler.inputs, ignoredInputs: ignoredInputs,
      unknown: ofRequest.filter { !uses.contains($0) && !ignores.contains($0) },
      required: ofRequest.filter(needed.contains), choices: compiler.choices,
      translations: placeholders.filter { $0.map != nil },
      constants: head.constants + compiler.constants, answer: answer)
  }

  private enum Method: String, CaseIterable {
    case post = "POST"
    case put = "PUT"
  }

  private func answerRules() -> AnswerRules? {
    if let tree = reader.tree("answer") {
      return AnswerCompiler(diagnostics: diagnostics, operations: [operation]).compile(
        tree, name: reader.path("answer"))
    }
    if !hasSharedAnswer {
      diagnostics.report(
        "\(quoted(reader.path("answer"))) is missing", at: reader.position,
        suggestion: "write it here, or once for all operations beside \"operations\"")
    }
    return sharedAnswer
  }

  private func ignored(
    usedIn body: BodyCompiler
  ) -> (variables: Set<TemplateVariable>, inputs: [TemplateInput]) {
    var variables: Set<TemplateVariable> = []
    var ignoredInputs: [TemplateInput] = []
    let usedInputs = (body.inputs.map(\.input) + body.choices.flatMap(\.inputs)).map(\.name)
    let usedVariables = body.variables
    let names =
      TemplateVariable.allCases.filter { $0.pointer != nil }.map(\.rawValue)
      + inputs.map { "inputs.\($0.name)" }
    for (text, position) in reader.strings("ignores") ?? [] {
      var isUsed = false
      if let input = inputs.first(where: { "inputs.\($0.name)" == text }) {
        isUsed = usedInputs.contains(input.name)
        ignoredInputs.append(input)
      } else if let variable = TemplateVariable(rawValue: text), variable.pointer != nil {
        isUsed = usedVariables.contains(variable)
        variables.insert(variable)
      } else {
        diagnostics.report(
          "\(quoted(reader.path("ignores"))) does not know \(quoted(text))", at: position,
          suggestion: suggestion(for: text, among: names))
      }
      if isUsed { diagnostics.report("\(quoted(text)) is ignored and used", at: position) }
    }
    return (variables, ignoredInputs)
  }

  /// Checks what only shows when the whole message is known.
  private func checkWhole(
    _ body: BodyCompiler, _ head: HeadCompiler, _ ignores: Set<TemplateVariable>
  ) {
    let used = Set(body.variables)
    checkCard(body)
    if !used.contains(.paymentIdentifier), !head.hasPaymentIdentifier {
      diagnostics.report(
        "the message has no \"payment_id\"", at: reader.position,
        suggestion: "without it, nobody can ask the acquirer what became of the payment")
    }
    for companions in TemplateVariable.companions {
      let group = companions[0].group
      guard used.contains(where: { $0.group == group }) else { continue }
      for missing in companions where !used.contains(missing) && !ignores.contains(missing) {
        diagnostics.report(
          "\(quoted(missing.rawValue)) is not used, but comes with each "
            + "\(quoted(String((group?.rawValue ?? "").dropFirst())))",
          at: reader.position, suggestion: "use it, or list it under \"ignores\"")
      }
    }
    checkRepetition(body)
  }

  /// A message about a challenge names the authentication and nothing of the card; any other has the card.
  private func checkCard(_ body: BodyCompiler) {
    let used = Set(body.placeholders.map(\.placeholder.variable))
    guard operation == .authenticationResult else {
      if !used.contains(.cardNumber) {
        diagnostics.report("the message has no \"card.number\"", at: reader.position)
      }
      return
    }
    for found in body.placeholders where found.placeholder.variable.isOfCard {
      diagnostics.report(
        "\"authentication_result\" sends nothing of the card", at: found.position,
        suggestion: "remove \(quoted(found.placeholder.variable.rawValue))")
    }
    if let found = body.placeholders.first(where: {
      $0.placeholder.variable == .threeDSServerTransactionIdentifier && $0.placeholder.isOptional
    }) {
      diagnostics.report(
        "\"authentication_result\" asks about one authentication, so its id is not optional",
        at: found.position)
    }
    if !used.contains(.threeDSServerTransactionIdentifier) {
      diagnostics.report(
        "the message has no \"three_ds_server_transaction_id\"", at: reader.position)
    }
  }

  private func checkRepetition(_ body: BodyCompiler) {
    var first: [TemplateVariable: BodyCompiler.Found] = [:]
    for found in body.placeholders {
      let variable = found.placeholder.variable
      guard let earlier = first[variable] else {
        first[variable] = found
        continue
      }
      if variable == .cardNumber || variable == .securityCode {
        diagnostics.report(
          "\(quoted(variable.rawValue)) stands twice in the message", at: found.position,
          suggestion: "it is in line \(earlier.position.line) already")
      } else if earlier.placeholder.isOptional != found.placeholder.isOptional {
        diagnostics.report(
          "\(quoted(variable.rawValue)) is optional in one place and required in another",
          at: found.position, suggestion: "the other place is line \(earlier.position.line)")
      }
    }
  }
}

extension BodyCompiler {
  /// The variables that the message holds, or depends on.
  fileprivate var variables: [TemplateVariable] {
    placeholders.map(\.placeholder.variable) + choices.flatMap(\.variables)
  }
}
