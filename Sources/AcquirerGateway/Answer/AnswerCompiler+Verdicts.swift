import ConfigurationReading
import Tokenization

/// What a rule says that an answer means.
extension AnswerCompiler {
  private enum Word: String, CaseIterable {
    case approved, pending, authenticated
    case challengeRequired = "challenge_required"
    case refused
    case authenticationRequired = "authentication_required"
    case rejected, unknown

    /// nil for those by which nothing was decided.
    var outcome: PaymentAnswer.Outcome? { PaymentAnswer.Outcome(rawValue: rawValue) }
  }

  func verdict(_ reader: MappingReader) -> AnswerRule.Verdict? {
    let reason = reader.tree("reason").map { reasonRule($0, reader) }
    guard reader.requiredTree("outcome") != nil,
      let word = choice(reader, "outcome", among: Word.allCases)
    else { return nil }
    if reason != nil, word != .refused {
      diagnostics.report(
        "only a refusal has a \"reason\"", at: reader.position(of: "reason"))
    }
    if reader.has("captured"), word != .approved {
      diagnostics.report(
        "only an approval is \"captured\" or not", at: reader.position(of: "captured"))
    }
    let captured = reader.boolean("captured")
    guard let outcome = word.outcome else { return word == .rejected ? .rejected : .unknown }
    if !operations.contains(where: { $0.mayEnd(in: outcome) }) {
      let names = operations.map(\.rawValue).sorted().joined(separator: ", ")
      diagnostics.report(
        "\(quoted(word.rawValue)) is no outcome of \(names)",
        at: reader.position(of: "outcome"))
    }
    return .decided(Decision(outcome: outcome, reason: reason ?? nil, captured: captured))
  }

  private func reasonRule(_ tree: ConfigurationTree, _ rule: MappingReader) -> ReasonRule? {
    guard case .mapping = tree.value else {
      return choice(rule, "reason", among: PaymentAnswer.Reason.allCases).map {
        ReasonRule(pointers: [], map: [:], otherwise: $0)
      }
    }
    guard let reader = MappingReader(tree, name: rule.path("reason"), diagnostics) else {
      return nil
    }
    defer { reader.finish() }
    let pointers = pointers(reader, "field")
    var map: [String: PaymentAnswer.Reason] = [:]
    if let entries = reader.requiredMapping("map") {
      for member in entries.named {
        map[member.key] = choice(entries, member.key, among: PaymentAnswer.Reason.allCases)
      }
    }
    let otherwise = choice(reader, "otherwise", among: PaymentAnswer.Reason.allCases)
    return pointers.isEmpty ? nil : ReasonRule(pointers: pointers, map: map, otherwise: otherwise)
  }
}
