import AccessPolicy
package import AuditLog
import CardStore
package import Keyring
package import Ledgers
package import SecretMemory
package import Storage
import Synchronization
import SystemCalls

/// One vault: its store, the books that every operation writes with, and whether it is open.
///
/// What clients may ask of it is `Tokenization`'s, what operators may `VaultManagement`'s.
package final class Vault: Sendable {
  /// What a vault goes by, besides its keys.
  package struct Settings: Sendable {
    /// Where cards lie while they are in memory.
    package var slots: SecretPool
    package var limits: WriterLimits
    /// Refusals of one client, or of one user, that get an entry of their own in a minute.
    package var refusalsStoredPerMinute: Int
    /// What keys are judged by.
    package var rules = KeyRules()
    /// What bounds guesses at card numbers.
    package var digitLimits = DigitLimits()
    /// What the vault watches for.
    package var alarms = AlarmWatch()
    /// Told the line of each entry once it is durable, on the writer's thread: it has to be quick.
    package var tellOfEntry: (@Sendable (_ sequence: UInt64, _ line: [UInt8]) -> Void)?
    /// Told where the room for new cards has crossed a bound.
    package var tellOfRoom: @Sendable (RoomNews) -> Void = { _ in }
    /// Makes a sentence of an error that ended work which nobody waits for, and may log it.
    package var explain: @Sendable (VaultError) -> String = { "\($0)" }

    package init(slots: SecretPool, limits: WriterLimits, refusalsStoredPerMinute: Int) {
      self.slots = slots
      self.limits = limits
      self.refusalsStoredPerMinute = refusalsStoredPerMinute
    }
  }

  /// The store that the vault works on.
  package let store: Store
  package let books: Books
  package let settings: Settings
  let state = Monitor(VaultState.sealed)
  /// Those that wait.
  package let payments = PaymentsUnderWay()
  let roomWatch = Mutex(RoomWatch())
  let concerns = ConcernLedger()

  /// Starts the writer over a store, and leaves the vault sealed.
  ///
  /// - Parameter onEnd: called once with the cause when nothing will be written any more.
  package init(
    _ store: Store, _ settings: Settings, clock: Clock,
    onEnd: @escaping @Sendable (StorageError) -> Void
  ) throws(VaultError) {
    self.store = store
    self.settings = settings
    books = try Books(of: store, settings, clock: clock)
    try onStore(store.startWriter(participant: books, limits: settings.limits, onEnd: onEnd))
  }

  /// Appends an entry about what an operator or auditor did, and waits until it is durable.
  package func record(_ entry: AuditEntry) throws(VaultError) {
    try store.perform { [books] (transaction) throws(VaultError) in
      _ = try books.record(entry, in: &transaction)
    }
  }

  /// The same about what they were refused, or could not do: past the limit of a minute it is only
  /// counted, and the count becomes an entry when the minute has ended.
  package func recordRefusal(_ entry: AuditEntry) throws(VaultError) {
    let now = books.clock.monotonicNanoseconds()
    guard books.userRefusals.record(client: entry.actor.name, now: now) == .store else {
      return books.alarms.noteCounted(entry, from: .outside, now: { now })
    }
    try record(entry)
  }

  /// Appends an entry about something that has happened already; where it cannot be written, it is lost.
  package func note(_ entry: AuditEntry) {
    store.submit { [books] (transaction) throws(VaultError) in
      _ = try books.record(entry, in: &transaction)
    }
  }

  /// The present time, in Unix milliseconds.
  package var now: UInt64 { books.now }
}
