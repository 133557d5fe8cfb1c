import AccessPolicy
import Administration
import ConfigurationReading
import Glibc
import Keyring
import SecretMemory
import Storage
import SystemCalls
import VaultCore
import VaultManagement

/// Does an operation: through the running service, or, where none runs, on the store itself.
struct Session {
  /// Slots for cards that are looked at, and their size in bytes.
  static let slots = 64
  static let slotBytes = 32

  private let configurationPath: String

  init(_ option: ConfigurationOption) { configurationPath = option.path }

  /// Does `operation`, and gives each part of the answer to `sink`.
  ///
  /// The service is asked first. Of the configuration only the socket is read for that: an auditor
  /// cannot read the files that the service itself needs.
  /// - Parameter isOffline: whether it can be done without a service.
  func run(
    _ operation: any AdminOperation, body: AdminBody? = nil, offline isOffline: Bool,
    into sink: (AdminPart) throws -> Void
  ) throws {
    let socket = try AdministrationSettings.load(path: configurationPath).socketPath
    do {
      try AdminClient(path: socket).run(operation, body: body, into: sink)
    } catch AdminClient.Failure.socket(.noService(_)) where isOffline {
      try runOffline(operation, into: sink)
    }
  }

  /// Does `operation`, and gives its one document; progress is shown as `what`.
  func document(
    _ operation: any AdminOperation, body: AdminBody? = nil, offline isOffline: Bool,
    showing what: String = ""
  ) throws -> [UInt8] {
    var document: [UInt8] = []
    var progress = ProgressLine(what)
    try run(operation, body: body, offline: isOffline) { part in
      switch part {
      case .document(let bytes), .metrics(let bytes): document = bytes
      case .lines(let lines): document += lines
      case .progress(let done, let total): progress.show(done: done, total: total)
      }
    }
    return document
  }

  private func runOffline(
    _ operation: any AdminOperation, into sink: (AdminPart) throws -> Void
  ) throws {
    // Before the whole configuration is read, since only the owner may read all that it names.
    try Self.checkOwner(of: try StoreSettings.load(path: configurationPath).path)
    let configuration = try ServiceConfiguration.load(path: configurationPath)
    var options = Store.Options(isReadOnly: !operation.terms.isWriting)
    options.checksWhole = operation is VerifyStore
    OfflineNotes(of: configuration.store.path).add(operation.terms.audited)
    let store: Store
    do throws(StorageError) { store = try Store.open(of: configuration, options: options) } catch {
      // A store that is not opened for what is wrong with it is what was asked about.
      guard operation is VerifyStore, error.tellsOfDamage else { throw error }
      return try sink(.document(VerifyStore.document(of: error)))
    }
    var hooks = AdministrationHooks(clock: .machine)
    hooks.keyring = { try KeyringStore.open(in: store, source: configuration.keys.source) }
    hooks.inventory = { json, now in
      do { try Inventory(configuration).write(to: &json, atMilliseconds: now) } catch {
        throw AdministrationError(CommandFailure(error))
      }
    }
    hooks.slots = try SecretPool(slots: Self.slots, slotSize: Self.slotBytes)
    if operation.terms.isWriting {
      hooks.upkeep = try StoreUpkeep.offline(store, clock: .machine)
    }
    hooks.merchants = { configuration.merchants.map(\.name) }
    hooks.access = { AccessGrants(configuration) }
    hooks.rules = configuration.keyRules
    hooks.keepAtHandSeconds = configuration.audit.keepAtHandSeconds
    hooks.version = Version.full
    hooks.policy = { [policy = ChangePolicy(configuration.administration)] in policy }
    try Operations(store: store, hooks: hooks).run(
      operation, actor: HostUser.currentActor, into: sink)
  }

  /// Refuses to open the store of another user: what root left behind in it, the service could not
  /// open any more.
  static func checkOwner(of directory: String) throws(CommandFailure) {
    var status = stat()
    guard unsafe stat(directory, &status) == 0 else {
      if errno == ENOENT { return }
      throw .system(directory)
    }
    // Where nothing can be written, nothing is left behind: evidence is looked at by others.
    guard status.st_uid != geteuid(), !Directory.isOnReadOnlyDisk(directory) else { return }
    let user = try? HostUser(lookingUp: status.st_uid, group: status.st_gid)
    let owner = user?.name ?? "#\(status.st_uid)"
    throw CommandFailure(
      .unavailable,
      "no service is running, and the store \(directory) belongs to the user \(owner): run this "
        + "command as that user, for example with: sudo -u \(owner) cadenas …")
  }
}
