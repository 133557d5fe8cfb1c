import ConfigurationReading
import Glibc
import Keyring
import RecordFormat
import SystemCalls
import VaultManagement

extension Initialization {
  struct CeremonyOrder {
    let planPath: String
    /// Where shares and transcript are written.
    let files: CeremonyFiles
    let passphrases: PassphraseOption
  }

  struct CeremonyOutcome {
    let transcript: Transcript
    let files: CeremonyFiles
    let store: String
  }

  /// Holds the ceremony of a plan and makes a store under its key, where there is none.
  ///
  /// Shares and transcript are durable and read back before the store is made. After an error there is
  /// neither, unless the store came to stand.
  static func run(
    _ configuration: ServiceConfiguration, _ order: CeremonyOrder
  ) throws -> CeremonyOutcome {
    try checkAbsence(of: configuration.store.path)
    try checkPlaces(configuration)
    let ceremonyPlan = try CeremonyPlan.load(path: order.planPath)
    let plan = try CustodyPlan(ceremonyPlan)
    try order.files.prepare(for: plan)
    let now = UInt64(SystemClock.unixMilliseconds())
    let result = try order.passphrases.hold(plan, besides: [], atMilliseconds: now)
    let keyring = try KeyringStore.create(
      under: result.key, origin: .ceremony,
      cryptoperiods: configuration.keyRules.cryptoperiods.replacing(ceremonyPlan.periods),
      atMilliseconds: now)
    let identifier = try newIdentifier()
    let transcript = Transcript(
      set: result.set, cost: SealedShare.standardCost, store: identifier,
      keys: try keyring.status(cards: [:], atMilliseconds: now))
    try order.files.write(result.shares, transcript: transcript.text)
    do {
      let rules = CustodyRules(distinctAccounts: configuration.distinctAccounts)
      let entries = result.set.entries(actor: actor, rules: rules)
      try makeStore(configuration, identifier, keyring, entries: entries) {
        try result.set.save(in: &$0)
        try rules.save(for: result.set.keyIdentifier, in: &$0)
      }
    } catch {
      // Shares of a key that wraps nothing would only be taken for ones that matter.
      if !exists(configuration.store.path) { order.files.remove(result.shares) }
      throw error
    }
    return CeremonyOutcome(
      transcript: transcript, files: order.files, store: configuration.store.path)
  }
}

extension PassphraseOption {
  /// Holds a ceremony, in which each custodian gives a passphrase.
  func hold(
    _ plan: CustodyPlan, besides known: [KeyIdentifier], atMilliseconds now: UInt64
  ) throws -> CustodyCeremony.Result {
    var ceremony = try CustodyCeremony(plan, besides: known, atMilliseconds: now)
    let reader = try reader()
    for index in plan.custodians.indices {
      let passphrase = try reader.new(of: plan.custodians[index])
      try ceremony.seal(custodian: index, passphrase: passphrase)
    }
    let result = try ceremony.finish()
    reader.end()
    return result
  }
}

extension CustodyPlan {
  /// The plan of a file, whose names and numbers have been checked.
  init(_ plan: CeremonyPlan) throws {
    guard let vault = CustodyName(plan.vault) else { throw KeyringError.custody(.invalidPlan) }
    let custodians = plan.custodians.compactMap { CustodyName($0) }
    guard custodians.count == plan.custodians.count else {
      throw KeyringError.custody(.invalidPlan)
    }
    try self.init(vault: vault, threshold: plan.threshold, custodians: custodians)
  }
}
