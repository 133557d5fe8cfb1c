/// What a running service knows of damage to its files, in words: for `status`, and for `check`.
struct StoreHealth {
  /// One thing that is known.
  struct Fact {
    let name: String
    let text: String
    let severity: Finding.Severity
    let remedy: String
  }

  let facts: [Fact]

  /// Reads the members of the document of `status` about it.
  init(_ status: DocumentView) {
    var facts: [Fact] = []
    if let damaged = status["store_check"]?["damaged"]?.integer, damaged > 0 {
      facts.append(
        Fact(
          name: "store damaged", text: "\(damaged) records or kept answers", severity: .error,
          remedy: "run: cadenas store verify, and restore a backup, or give up what it names with "
            + "cadenas store remove-damaged"))
    }
    if let leftOut = status["index"]?["left_out"]?.integer, leftOut > 0 {
      facts.append(
        Fact(
          name: "not in the index",
          text: "\(leftOut) records that do not open; their cards may get a second token",
          severity: .error, remedy: "run: cadenas store verify"))
    }
    if let cards = status["store_check"]?["second_tokens"]?.integer, cards > 0 {
      facts.append(
        Fact(
          name: "second tokens", text: "\(cards) cards; see cadenas store verify",
          severity: .warning,
          remedy: "have their merchants delete one of each"))
    }
    for (figure, cause, name) in [
      ("losses", "last_loss", "index built anew"),
      ("failed_writes", "last_failure", "index not written"),
    ] {
      guard let index = status["index"], let count = index[figure]?.integer, count > 0 else {
        continue
      }
      facts.append(
        Fact(
          name: name, text: "\(count) times, last: \(index.text(cause))", severity: .warning,
          remedy: "look at the disk"))
    }
    self.facts = facts
  }

  /// The same for `check`.
  var findings: [Finding] {
    facts.map { fact in
      Finding(fact.severity, .store, "\(fact.name): \(fact.text)", remedy: fact.remedy)
    }
  }

  /// The same for `status`.
  var pairs: [(name: String, value: String)] {
    facts.map { fact in
      guard fact.severity == .error else { return (fact.name, fact.text) }
      return (fact.name, Console.styled(fact.text, .red) + "; \(fact.remedy)")
    }
  }
}
