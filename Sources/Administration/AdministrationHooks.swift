package import AuditLog
package import JSON
package import Keyring
package import Ledgers
internal import RecordFormat
package import SecretMemory
internal import Storage
package import VaultCore
package import VaultManagement

/// What the operations need of the parts above the store, filled in by whoever composes them.
///
/// Each may be called by several threads at once. One that is nil has no meaning where it is so:
/// an offline command knows no running service and leaves no entry.
package struct AdministrationHooks: Sendable {
  /// The time.
  package let clock: Clock
  /// The version of the program, with its commit.
  package var version = ""
  /// How the service is.
  package var service: (@Sendable () -> ServiceStatus)?
  /// The service's own counters.
  package var metrics: (@Sendable () -> [Metric])?
  /// The keyring, where it is open.
  package var keyring: (@Sendable () throws -> Keyring)?
  /// Where cards lie while they are looked at.
  package var slots: SecretPool?
  /// The names of the merchants in the configuration in force.
  package var merchants: (@Sendable () -> [String])?
  /// Who may do what.
  package var access: (@Sendable () -> AccessGrants)?
  /// What keys are judged by.
  package var rules = KeyRules()
  /// What the configuration in force asks of changes.
  package var policy: @Sendable () -> ChangePolicy = { ChangePolicy() }
  /// The vault that runs.
  package var vault: VaultManager?
  /// Where its KEK comes from.
  package var keySource: KeySourceHooks?
  /// How old entries have to be that may be archived.
  package var keepAtHandSeconds: UInt64 = 0
  /// Backups and compaction; nil where the store is open for reading only.
  package var upkeep: StoreUpkeep?
  /// Writes the members of `keys inventory` about the cryptography in use beside keys, whose ages are
  /// those at a time in Unix milliseconds.
  package var inventory: (@Sendable (inout JSONWriter, Int64) throws -> Void)?
  /// Writes the members of `acquirers`.
  package var acquirers: (@Sendable (inout JSONWriter) -> Void)?
  /// Opens a connection to the acquirer of a name and gives the document about it; nil where none of that
  /// name takes payments.
  package var testAcquirer: (@Sendable (String) throws -> [UInt8]?)?
  /// Appends an entry, and returns when it is durable.
  package var record: (@Sendable (AuditEntry) throws -> Void)?
  /// The same for an entry about what was refused or has failed: past a limit it is only counted.
  package var recordRefusal: (@Sendable (AuditEntry) throws -> Void)?

  /// Hooks of which every other one is nil.
  package init(clock: Clock) { self.clock = clock }
}

/// The key source of a running service.
package struct KeySourceHooks: Sendable {
  private let source: any KeyEncryptionKeySource
  private let vault: Vault

  /// The source of the KEK of `vault`.
  package init(_ source: any KeyEncryptionKeySource, of vault: Vault) {
    self.source = source
    self.vault = vault
  }

  /// Opens the keyring with what the source has.
  func openKeyring() throws(KeyringError) -> Keyring {
    try KeyringStore.open(in: vault.store, source: source)
  }

  /// A key that the operator has installed.
  private func load(_ key: KeyIdentifier) throws(VaultError) -> KeyEncryptionKey {
    do throws(KeyringError) { return try source.load(key) } catch {
      guard case .keyEncryptionKeyMissing(_, let directory) = error else { throw VaultError(error) }
      throw .keyring(.keyNotInstalled(key, directory: directory))
    }
  }

  /// Refuses to go on where the source has not got the KEK in force: what is made there then would be in
  /// the wrong place, such as below the mount point of a disk that is not mounted.
  private func requireKeyInForce(_ keyring: Keyring) throws(VaultError) {
    do throws(KeyringError) { try source.checkKeyInForce(of: keyring) } catch {
      guard case .keyEncryptionKeyMissing(let key, let directory) = error else {
        throw VaultError(error)
      }
      throw .keyring(.keyInForceMissing(key, directory: directory))
    }
  }

  /// Looks whether the source gives the KEK in force, as the next start or unseal will ask it to.
  func checkKeyInForce(_ keyring: Keyring) throws(KeyringError) {
    try source.checkKeyInForce(of: keyring)
  }

  /// Gives the next KEK to `body`: the one that the operator has installed, or one that is made, and
  /// is durable in its source, beside the one in force, before the keyring is wrapped under it. The one
  /// before stays where it is. Where `body` throws, one that was made is gone again.
  func withNextKey(
    _ installed: KeyIdentifier?,
    _ body: (KeyEncryptionKey, KeyOrigin) throws(VaultError) -> KeyRotation
  ) throws(VaultError) -> KeyRotation {
    if let installed { return try body(load(installed), .installed) }
    let keyring = try vault.keyring
    try requireKeyInForce(keyring)
    let key = try onKeys(source.make(besides: keyring.entries.map(\.identifier)))
    do throws(VaultError) {
      return try body(key, .rotation)
    } catch {
      // After the end of writing either of the two may open the store.
      if error != .store(.writingEnded) { try? source.destroy(key.identifier) }
      throw error
    }
  }
}

/// How the running service is.
package struct ServiceStatus: Equatable, Sendable {
  /// What the service does now.
  package enum State: String, Sendable {
    /// Requests are answered.
    case serving
    /// The keyring is closed: every operation answers `sealed`.
    case sealed
    /// The service is stopping.
    case draining
    /// The disk or the engine failed: nothing is written any more.
    case writingEnded = "writing-ended"
  }

  package var state: State
  package var version: String
  package var isDevelopment: Bool
  package var processIdentifier: Int32
  /// Unix time, in milliseconds.
  package var startedMilliseconds: Int64
  package var uptimeSeconds: Int64
  /// The address and port on which clients are served.
  package var listen: String
  /// Clients' open connections.
  package var connections: Int
  package var paymentsInFlight: Int
  /// How often the configuration has been put in force, the start included.
  package var policyGeneration: UInt64
  /// How many files the process may have open, sockets among them; nil for as many as it likes.
  package var openFilesLimit: UInt64?
  /// How much memory the process may lock, in bytes; nil for as much as it likes.
  package var lockedMemoryLimitBytes: UInt64?
  package var build = Build()

  /// What runs.
  package struct Build: Equatable, Sendable {
    /// The commit that the program was built from.
    package var commit: String?
    /// The SHA-256 of the program's file, in hexadecimal.
    package var programSHA256: String?
    /// The same of the configuration file in force.
    package var configurationSHA256: String?

    package init() {}

    func write(to json: inout JSONWriter) {
      json.member("commit", string: commit)
      json.member("program_sha256", string: programSHA256)
      json.member("configuration_sha256", string: configurationSHA256)
    }
  }

  /// Describes a service.
  package init(
    state: State, version: String, isDevelopment: Bool, processIdentifier: Int32,
    startedMilliseconds: Int64, uptimeSeconds: Int64, listen: String, connections: Int,
    paymentsInFlight: Int, policyGeneration: UInt64, openFilesLimit: UInt64?,
    lockedMemoryLimitBytes: UInt64?
  ) {
    self.state = state
    self.version = version
    self.isDevelopment = isDevelopment
    self.processIdentifier = processIdentifier
    self.startedMilliseconds = startedMilliseconds
    self.uptimeSeconds = uptimeSeconds
    self.listen = listen
    self.connections = connections
    self.paymentsInFlight = paymentsInFlight
    self.policyGeneration = policyGeneration
    self.openFilesLimit = openFilesLimit
    self.lockedMemoryLimitBytes = lockedMemoryLimitBytes
  }
}
