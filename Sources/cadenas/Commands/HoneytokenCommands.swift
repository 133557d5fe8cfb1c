import Administration
import ArgumentParser
import Cards
import Ledgers
import VaultManagement

struct HoneytokenCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "honeytoken",
    abstract: "Bait: tokens that no card is behind, and that raise an alarm when they are named.",
    discussion: """
      A honeytoken looks like every token, and is planted in a shop's database beside real ones. \
      Nobody has a reason to name it. Who does gets what a token that never existed gives, and an \
      alarm is raised: somebody has read that database, and is trying what they found.
      """,
    subcommands: [
      HoneytokenAddCommand.self, HoneytokenListCommand.self, HoneytokenRemoveCommand.self,
    ])
}

struct HoneytokenAddCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "add",
    abstract: "Make a honeytoken.",
    discussion: """
      It is printed once it is watched. Plant it where real tokens of that merchant lie, in a row \
      that nothing in the shop ever uses. A token tells the time at which it was made: give the row \
      that time. The note is for whoever sees the alarm, and is kept in the audit log.
      """)

  @OptionGroup var common: CommonOptions

  @Option(
    help: ArgumentHelp("The merchant in whose database it will be planted.", valueName: "name"))
  var merchant: String

  @Option(help: ArgumentHelp("Where it is planted.", valueName: "text"))
  var note = ""

  @OptionGroup var why: ReasonOption

  private var noted: FreeText? { FreeText(note, longest: Honeytoken.longestNote) }

  func validate() throws {
    guard noted != nil else { throw ValidationError(AddHoneytoken.noteRule) }
  }

  func run() throws {
    try common.show(
      AddHoneytoken(merchant: merchant, note: noted ?? .none, because: why.value), offline: false
    ) { honeytoken in
      TextTable.pairs([
        ("honeytoken", honeytoken.text("token")), ("merchant", honeytoken.text("merchant")),
        ("created", honeytoken.text("created")), ("note", honeytoken.text("note")),
      ])
    }
  }
}

struct HoneytokenListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "List the honeytokens: of which merchant, since when, and where they are planted.",
    discussion: """
      Whoever sees this list can tell bait from real tokens: keep it away from the shops.
      """)

  @OptionGroup var common: CommonOptions

  func run() throws {
    try common.show(ListHoneytokens(), offline: false, Self.text)
  }

  private static func text(_ list: DocumentView) -> String {
    let honeytokens = list.rows("honeytokens")
    guard !honeytokens.isEmpty else { return "no honeytoken is planted\n" }
    return TextTable(
      [
        ("TOKEN", .left, "token"), ("MERCHANT", .left, "merchant"), ("CREATED", .left, "created"),
        ("BY", .left, "actor"), ("NOTE", .left, "note"),
      ], honeytokens
    ) { row, member in
      let isNameless = member == "merchant" && row.text(member) == "-"
      return isNameless ? "number \(row.text("merchant_number"))" : row.text(member)
    }.text
  }
}

struct HoneytokenRemoveCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "remove",
    abstract: "Watch a honeytoken no more.",
    discussion: """
      For clients nothing changes: it is a token that never existed, as before. Remove it from the \
      shop's database too.
      """)

  @OptionGroup var common: CommonOptions
  @OptionGroup var why: ReasonOption

  @Argument(help: ArgumentHelp("The honeytoken, tok_….", valueName: "token"))
  var token: String

  func validate() throws { _ = try parsed() }

  /// Whatever else was given in its place is not repeated.
  private func parsed() throws -> Token {
    guard let token = Token(token) else {
      throw ValidationError("a honeytoken is named by its text: tok_ and 26 characters")
    }
    return token
  }

  func run() throws {
    try common.show(RemoveHoneytoken(parsed(), because: why.value), offline: false) {
      Console.printable($0.text("token")) + " is watched no more.\n"
    }
  }
}
