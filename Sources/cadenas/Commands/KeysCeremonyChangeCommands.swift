import Administration
import ArgumentParser
import ConfigurationReading
import Cryptography
import Keyring
import RecordFormat
import Storage
import SystemCalls
import VaultCore
import VaultManagement

/// What a ceremony for a running service is held with.
struct CeremonyOptions: ParsableArguments {
  @OptionGroup var config: ConfigurationOption
  @OptionGroup var passphrases: PassphraseOption
  @OptionGroup var why: ReasonOption

  @Option(help: ArgumentHelp("The folder for the shares and the transcript.", valueName: "dir"))
  var shares: String

  @Argument(help: ArgumentHelp("The plan; keys/ceremony.yaml is a sample.", valueName: "plan"))
  var plan: String
}

struct KeysCeremonyCreateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "create",
    abstract: "Give the key of a running service into the hands of custodians.",
    discussion: """
      For a service whose key source has the key whole until now; a new one begins with init \
      --ceremony. A new key is made and split, each custodian types a new passphrase, the shares are \
      written and read back, and then the keyring is wrapped under the new key. Afterwards set \
      "keys: {source: custodians}" and restart the service. Of the cryptoperiods in the plan, that of \
      the kek counts: the other keys stay. Where the policy asks for more than one person, the first such \
      command only asks: it waits for cadenas approve ID, and is then given again with the same plan.
      """)

  @OptionGroup var options: CeremonyOptions

  func run() throws { try RunningCeremony(options: options).hold(replacing: false) }
}

struct KeysCeremonyReplaceCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "replace",
    abstract: "Put other custodians, or another threshold, in the place of the present ones.",
    discussion: """
      Also for when somebody who knew a share has left. A new key is made and split as in create; \
      then enough of the present custodians agree, each at a terminal of their own, with: cadenas keys \
      ceremony authorize --share FILE. They have the time of keys.share_minutes for that; after it, or \
      when this command is ended, nothing has changed. The old shares do not open the store any more. \
      Old copies of it they do, so destroy those.
      """)

  @OptionGroup var options: CeremonyOptions

  func run() throws { try RunningCeremony(options: options).hold(replacing: true) }
}

struct KeysCeremonyAuthorizeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "authorize",
    abstract: "Agree, as one of the present custodians, that others take their place.",
    discussion: "While a ceremony waits that was begun with: cadenas keys ceremony replace")

  @OptionGroup var common: CommonOptions
  @OptionGroup var why: ReasonOption
  @OptionGroup var share: ShareOption

  func validate() throws {
    guard share.file != nil else { throw ValidationError("name your share: --share FILE") }
  }

  func run() throws {
    guard let file = share.file else { return }
    try share.enter(file, for: .replacement, because: why.value, common)
  }
}

/// A ceremony whose key a running service takes.
private struct RunningCeremony {
  let options: CeremonyOptions

  func hold(replacing isReplacement: Bool) throws {
    let session = Session(options.config)
    let status = try DocumentView(session.document(ShowStatus(), offline: false))
    guard status.text("state") == "serving",
      let store = [UInt8](hexadecimal: status.text("store")).flatMap({ StoreIdentifier($0) })
    else {
      throw CommandFailure(.refused, "the service is \(status.text("state")); open it first")
    }
    let keys = try DocumentView(session.document(ShowKeys(), offline: false))
    let known = keys.rows("keys").compactMap { KeyIdentifier($0.text("id")) }
    let ceremonyPlan = try CeremonyPlan.load(path: options.plan)
    let plan = try CustodyPlan(ceremonyPlan)
    let order = CeremonyOrder(plan, cryptoperiodSeconds: ceremonyPlan.periods[.kek])
    let asked = try DocumentView(
      session.document(AskForCeremony(order, because: options.why.value), offline: false))
    if let waiting = WaitingView.text(asked, "the ceremony") {
      return Console.write(waiting + "then hold it with this same command and plan\n")
    }
    let files = CeremonyFiles(directory: options.shares)
    try files.prepare(for: plan)
    let now = UInt64(SystemClock.unixMilliseconds())
    let result = try options.passphrases.hold(plan, besides: known, atMilliseconds: now)
    let transcript = Transcript(
      set: result.set, cost: SealedShare.standardCost, store: store, keys: [])
    // First, since nothing may be left of a ceremony that ends here for want of room.
    Console.write(TextTable.pairs(transcript.facts) + "\n" + transcript.custodians.text)
    try files.write(result.shares, transcript: transcript.text)
    if isReplacement {
      Console.complain(
        "waiting for the present custodians, each with: cadenas keys ceremony authorize --share FILE"
      )
    }
    do {
      let body = try result.key.withUnprotectedKeyBytes {
        try CustodyBody.make(
          key: $0, set: result.set, cryptoperiodSeconds: ceremonyPlan.periods[.kek])
      }
      let answer = try DocumentView(
        session.document(
          ReplaceCustodians(because: options.why.value), body: body, offline: false,
          showing: "shares"))
      Console.write(after(answer, isReplacement))
    } catch AdminClient.Failure.problem(let status, let name, let detail)
      where name == FailureKind.notReplaced.rawValue
    {
      // The key wraps nothing, for certain: its shares would only be taken for ones that matter.
      files.remove(result.shares)
      throw AdminClient.Failure.problem(status: status, name: name, detail: detail)
    } catch {
      Console.complain(
        "it is not certain which key is in force: keep the old shares and the new ones, and look with "
          + "cadenas keys status whether \(result.set.keyIdentifier.text) is active")
      throw error
    }
  }

  private func after(_ answer: DocumentView, _ isReplacement: Bool) -> String {
    let old = answer.text("old")
    return "\nThe keyring is wrapped under the key \(answer.text("new")) (check value "
      + "\(answer.text("check_value"))).\n"
      + "Have the transcript signed. Each custodian takes their own share; remove the rest.\n"
      + (isReplacement
        ? ""
        : "Set \"keys: {source: custodians, former_path: DIR}\", DIR being where the key before lies, and "
          + "restart the service, which they then open.\n")
      + "The key before still opens old copies of the store: destroy those, and the key with\n"
      + "  cadenas keys destroy \(old) --execute --ticket NUMBER\n"
  }
}
