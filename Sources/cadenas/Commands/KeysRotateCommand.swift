import Administration
import ArgumentParser
import RecordFormat

struct KeysRotateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rotate",
    abstract: "Put a new key in the place of the active one, while the service goes on.",
    discussion: """
      ROLE is \(KeyRole.choice). What is new stands under the new key from one commit \
      on; the key before stays for what it protected. Cards are moved from an old data key with: \
      cadenas keys reencrypt. A new fingerprint key is complete when every card has its new \
      fingerprint; the command waits for that, and the service goes on with it when the command is \
      ended, or after a restart. A new kek is made in the key source, or taken from it with --to.
      """)

  @OptionGroup var common: CommonOptions
  @OptionGroup var why: ReasonOption

  @Argument(help: ArgumentHelp("\(KeyRole.choice).", valueName: "role"))
  var role: KeyRole

  @Option(
    help: ArgumentHelp("A kek that was installed as ID.kek in the key source.", valueName: "id"))
  var to: KeyIdentifier?

  func validate() throws {
    guard to == nil || role.wrapsKeyring else {
      throw ValidationError("--to goes with the role kek only: the vault makes the other keys")
    }
  }

  func run() throws {
    try common.show(
      RotateKey(role, to: to, because: why.value), offline: false, showing: "fingerprints"
    ) { result in
      TextTable.pairs([
        ("role", result.text("role")), ("new key", result.text("new")),
        ("check value", result.text("check_value")), ("replaces", result.text("old")),
      ]) + (role.wrapsKeyring ? "Keep a copy of the new key in a safe place of its own.\n" : "")
    }
  }
}

struct KeysReencryptCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "reencrypt",
    abstract: "Move every card to the active data key, while the service goes on.",
    discussion: """
      The work belongs to the service: it gives way to requests, goes on when this command is ended, \
      and goes on after a restart; the same command shows it again. --stop stops it. Exit status 0 \
      where no card is left under another key, 1 where some are.
      """)

  @OptionGroup var common: CommonOptions
  @OptionGroup var why: ReasonOption

  @Option(help: ArgumentHelp("Cards a second at most; 0 sets no bound.", valueName: "cards"))
  var rate: UInt64 = 0

  @Flag(help: "Stop it; a later start goes on.")
  var stop = false

  func validate() throws {
    guard rate <= 1 << 32 else { throw ValidationError("--rate is at most 4294967296") }
  }

  func run() throws {
    let operation: any AdminOperation =
      stop
      ? StopReencryption(because: why.value)
      : Reencrypt(cardsPerSecond: rate, because: why.value)
    let document = try common.document(operation, offline: false, showing: "cards")
    try common.output.show(document) { result in
      TextTable.pairs([
        ("moved", result.text("moved")), ("left under other keys", result.text("left")),
        ("that do not open", result.text("damaged")),
      ])
    }
    if !stop, try DocumentView(document)["left"]?.integer != 0 {
      throw ExitCode(CommandFailure.Status.refused.rawValue)
    }
  }
}

extension KeyRole: ExpressibleByArgument {
  /// A role by its name.
  public init?(argument: String) {
    guard let role = KeyRole.allCases.first(where: { $0.name == argument }) else { return nil }
    self = role
  }

  /// What completions offer.
  public static var allValueStrings: [String] { allCases.map(\.name) }

  /// Every role, for a sentence.
  static var choice: String {
    let names = allValueStrings
    return names.dropLast().joined(separator: ", ") + " or " + names.suffix(1).joined()
  }
}

extension KeyIdentifier: ExpressibleByArgument {
  /// A key by its eight hexadecimal digits.
  public init?(argument: String) { self.init(argument) }
}
