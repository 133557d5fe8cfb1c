import Configuration
import Tokenization
import VaultCore

/// Compiles one operation of a template.
struct OperationCompiler {
  let operation: PaymentOperation
  let reader: MappingReader
  /// Whether the file has an answer for all operations, right or wrong.
  let hasSharedAnswer: Bool
  let sharedAnswer: AnswerRules?

  private var diagnostics: Diagnostics { reader.diagnostics }

  /// The operation; nil where something is missing or wrong, which has been reported.
  func compile() -> OperationTemplate? {
    let method = choice(reader, "method", among: Method.allCases) ?? .post
    var head = HeadCompiler(diagnostics: diagnostics)
    let path = reader.requiredTree("path").map { head.path($0, name: reader.path("path")) }
    let headers = reader.mapping("headers").map { head.headers($0) } ?? []
    var compiler = BodyCompiler(diagnostics: diagnostics)
    let body = reader.requiredTree("body").flatMap { tree in
      compiler.compile(tree, name: reader.path("body"))
    }
    let ignores = ignored(usedIn: compiler.placeholders.map(\.placeholder.variable))
    let answer = answerRules()
    checkWhole(compiler, head, ignores)
    reader.finish()
    guard let path, let body, let answer else { return nil }
    let placeholders = compiler.placeholders.map(\.placeholder)
    return OperationTemplate(
      operation: operation, method: method.rawValue, path: path, headers: headers, body: body,
      uses: Set(placeholders.map(\.variable)),
      requires: Set(placeholders.filter { !$0.isOptional }.map(\.variable)),
      ignores: ignores, translations: placeholders.filter { $0.map != nil },
      constants: head.constants + compiler.constants, answer: answer)
  }

  private enum Method: String, CaseIterable {
    case post = "POST"
    case put = "PUT"
  }

  private func answerRules() -> AnswerRules? {
    if let tree = reader.tree("answer") {
      return AnswerCompiler(diagnostics: diagnostics).compile(tree, name: reader.path("answer"))
    }
    if !hasSharedAnswer {
      diagnostics.report(
        "\(quoted(reader.path("answer"))) is missing", at: reader.position,
        suggestion: "write it here, or once for all operations beside \"operations\"")
    }
    return sharedAnswer
  }

  private func ignored(usedIn used: [TemplateVariable]) -> Set<TemplateVariable> {
    var result: Set<TemplateVariable> = []
    let names = TemplateVariable.allCases.filter { $0.pointer != nil }.map(\.rawValue)
    for (text, position) in reader.strings("ignores") ?? [] {
      guard let variable = TemplateVariable(rawValue: text), variable.pointer != nil else {
        diagnostics.report(
          "\(quoted(reader.path("ignores"))) does not know \(quoted(text))", at: position,
          suggestion: suggestion(for: text, among: names))
        continue
      }
      if used.contains(variable) {
        diagnostics.report("\(quoted(text)) is ignored and used", at: position)
      }
      result.insert(variable)
    }
    return result
  }

  /// Checks what only shows when the whole message is known.
  private func checkWhole(
    _ body: BodyCompiler, _ head: HeadCompiler, _ ignores: Set<TemplateVariable>
  ) {
    let used = Set(body.placeholders.map(\.placeholder.variable))
    if !used.contains(.cardNumber) {
      diagnostics.report("the message has no \"card.number\"", at: reader.position)
    }
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
