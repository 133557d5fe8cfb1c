import Administration
import ArgumentParser
import RecordFormat
import VaultManagement

struct KeysDeactivateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "deactivate",
    abstract: "Take an active key out of service: a new one protects what is new.",
    discussion: """
      The same as a rotation, asked for by the key. The key still opens what it protected.
      """)

  @OptionGroup var common: CommonOptions
  @OptionGroup var why: ReasonOption
  @Argument(help: ArgumentHelp("The key.", valueName: "id")) var key: KeyIdentifier

  func run() throws {
    try RetiredKey.show(DeactivateKey(KeyOrder(key: key, reason: why.required())), common)
  }
}

struct KeysCompromiseCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compromise",
    abstract: "Note that somebody else may know a key: it protects nothing from now on.",
    discussion: """
      An active key is replaced in the same moment. It still opens what it protected, and keys status \
      and check warn until that stands under another key: cadenas keys reencrypt, then destroy.
      """)

  @OptionGroup var common: CommonOptions
  @OptionGroup var why: ReasonOption
  @Argument(help: ArgumentHelp("The key.", valueName: "id")) var key: KeyIdentifier

  func run() throws {
    try RetiredKey.show(CompromiseKey(KeyOrder(key: key, reason: why.required())), common)
  }
}

private enum RetiredKey {
  static func show(_ operation: any AdminOperation, _ common: CommonOptions) throws {
    try common.show(operation, offline: false) { key in
      TextTable.pairs([
        ("key", key.text("key")), ("role", key.text("role")), ("state", key.text("state")),
        ("replaced by", key.text("replaced_by")),
      ])
    }
  }
}

struct KeysDestroyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "destroy",
    abstract: "Destroy a key that nothing needs any more.",
    discussion: """
      Without --execute it says what stands in the way, and changes nothing. With it, and where the \
      policy asks for more than one person, the request waits for: cadenas approve ID. Then the key \
      leaves the keyring, the store is compacted, since its free pages still hold the wrapped key, \
      and requests wait for that long. Old copies of the store hold the key as long as there is a KEK \
      that has wrapped it. It takes an operator to ask; auditors may run it dry, and approve.
      """)

  @OptionGroup var common: CommonOptions
  @OptionGroup var why: ReasonOption
  @Argument(help: ArgumentHelp("The key.", valueName: "id")) var key: KeyIdentifier
  @Flag(help: "Do it.") var execute = false

  func run() throws {
    let order = KeyOrder(key: key, reason: execute ? try why.required() : why.value)
    let document = try common.document(
      DestroyKey(order, execute: execute), offline: false, showing: "compacting")
    let isPossible = try DestructionView.show(document, isDryRun: !execute, common.output)
    if !isPossible { throw ExitCode(CommandFailure.Status.refused.rawValue) }
  }
}

/// What a request to destroy a key came to.
enum DestructionView {
  /// Prints it; false where something still needs the key.
  static func show(
    _ document: [UInt8], isDryRun: Bool, _ output: FormatOption
  ) throws -> Bool {
    let answer = try DocumentView(document)
    let needs = answer.texts("needed_by")
    guard output.format == .table else {
      Console.write(document + [UInt8(ascii: "\n")])
      return needs.isEmpty
    }
    let isKEK = answer.text("role") == "kek"
    let name = "the " + (isKEK ? "KEK" : "\(answer.text("role")) key") + " \(answer.text("key"))"
    if !needs.isEmpty {
      Console.write("\(name) cannot be destroyed:\n" + needs.map { "  \($0)\n" }.joined())
      return false
    }
    if let waiting = WaitingView.text(answer, name) {
      Console.write(waiting)
      return true
    }
    if isDryRun {
      Console.write(
        "nothing needs \(name), which is \(answer.text("state")); nothing has been changed. "
          + "To destroy it, add --execute\n")
      return true
    }
    Console.write("\(name) is \(answer.text("state"))\n")
    if isKEK {
      Console.write(
        "whatever else there is of it is yours to destroy: every copy of its file, an encrypted "
          + "credential, custodians' shares\n")
    }
    let wrappers = answer.texts("wrapped_by")
    if !wrappers.isEmpty {
      Console.write(
        "old copies of the store still hold it, wrapped under the KEK "
          + wrappers.joined(separator: ", ") + ": the erasure is complete when no such copy is "
          + "left, or each of these KEKs is replaced and destroyed\n")
    }
    return true
  }
}
