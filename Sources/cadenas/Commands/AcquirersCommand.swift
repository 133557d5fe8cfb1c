import Administration
import ArgumentParser

struct AcquirersCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "acquirers",
    abstract: "Show the acquirers that take payments, and connect to one to look.",
    subcommands: [AcquirersShowCommand.self, AcquirersTestCommand.self],
    defaultSubcommand: AcquirersShowCommand.self)
}

struct AcquirersShowCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "Show what messages to each acquirer came to, and its connections.",
    discussion: """
      Counted since the service started. Exit status 3 where none runs. 'cadenas acquirers test NAME' \
      has the service connect to one and look.
      """)

  @OptionGroup var common: CommonOptions

  func run() throws {
    try common.show(ShowAcquirers(), offline: false) { document in
      let acquirers = document.rows("acquirers")
      guard !acquirers.isEmpty else { return "no acquirer takes payments\n" }
      return acquirers.map { acquirer in
        Console.styled(acquirer.text("name"), .bold) + "\n" + TextTable.pairs(Self.pairs(acquirer))
      }.joined(separator: "\n")
    }
  }

  private static func pairs(_ acquirer: DocumentView) -> [(name: String, value: String)] {
    let by = acquirer.text("idempotent_by")
    var pairs = [
      (name: "address", value: acquirer.text("url") + ", as " + acquirer.text("server_name")),
      ("operations", acquirer.list("operations")),
      ("a lost message", by == "-" ? "is unknown" : "is sent once more, known by \(by)"),
      ("messages", counts(acquirer.rows("messages"), by: "outcome")),
      ("half within", time(acquirer, "p50_milliseconds")),
      ("99 of 100 within", time(acquirer, "p99_milliseconds")),
    ]
    guard let connections = acquirer["connections"] else { return pairs }
    pairs += [
      ("connections", "\(connections.text("open")) open, \(connections.text("idle")) idle"),
      (
        "since the start",
        "\(connections.text("opened")) opened, \(connections.text("reused")) times reused, "
          + "\(connections.text("failed")) failed"
      ),
      ("closed", counts(connections.rows("closed"), by: "cause")),
    ]
    let failure = connections.text("last_failure")
    if failure != "-" { pairs.append(("last attempt", Console.styled(failure, .yellow))) }
    return pairs
  }

  private static func time(_ acquirer: DocumentView, _ name: String) -> String {
    let text = acquirer.text(name)
    return text == "-" ? "-" : text + " ms"
  }

  /// `3 approved, 1 unknown (connection-closed)`.
  private static func counts(_ rows: [DocumentView], by name: String) -> String {
    let texts = rows.filter { $0["count"]?.integer != 0 }.map { row in
      let cause = name == "cause" ? "-" : row.text("cause")
      return "\(row.text("count")) \(row.text(name))" + (cause == "-" ? "" : " (\(cause))")
    }
    return texts.isEmpty ? "none" : texts.joined(separator: ", ")
  }
}

struct AcquirersTestCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "test",
    abstract: "Have the service connect to an acquirer, and say what it saw.",
    discussion: """
      Two connections are opened: one as for a payment, and one that only looks at the certificates \
      and breaks the handshake off. Neither a card nor a request is sent. Exit status 1 where no \
      message could have been sent.
      """)

  @OptionGroup var common: CommonOptions

  @Argument(help: ArgumentHelp("The acquirer's name in the configuration.", valueName: "name"))
  var name: String

  func run() throws {
    let document = try common.document(TestAcquirer(name), offline: false)
    try common.output.show(document) { TextTable.pairs(Self.pairs($0)) }
    if try DocumentView(document)["usable"]?.isTrue != true {
      throw ExitCode(CommandFailure.Status.refused.rawValue)
    }
  }

  private static func pairs(_ seen: DocumentView) -> [(name: String, value: String)] {
    let problem = seen.text("problem")
    let matches = seen["name_matches"].flatMap { $0.text == "-" ? nil : $0.isTrue }
    var pairs = [
      (name: "acquirer", value: seen.text("name")), ("address", seen.text("url")),
      (
        "usable",
        problem == "-" ? "yes" : Console.styled("no", .red) + ": " + problem
      ),
      ("TLS", "\(seen.text("version")), \(seen.text("cipher_suite"))"),
      ("took", seen.text("milliseconds") + " ms"),
      (
        "pinned name",
        seen.text("server_name") + (matches.map { $0 ? ", carried" : ", not carried" } ?? "")
      ),
    ]
    for (index, shown) in seen.rows("chain").enumerated() {
      pairs.append((index == 0 ? "certificate" : "issued by", shown.text("subject")))
      if index == 0 { pairs.append(("names", shown.list("dns_names"))) }
      pairs.append(("valid", "\(shown.text("not_before")) to \(shown.text("not_after"))"))
    }
    return pairs
  }
}
