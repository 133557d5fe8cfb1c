import Administration
import AuditLog
import Glibc
import Keyring
import Ledgers
import Logging
import NIOPosix
import SecretMemory
import Storage
import Synchronization
import TestSupport
import VaultCore
import VaultManagement

/// A store with a keyring and a log in a directory that goes with the value, and what a service
/// would hook into its operations.
final class TestService: Sendable {
  private let folder: TemporaryDirectory
  let directory: String
  let store: Store
  let keyring: Keyring
  private let log: Mutex<AuditLog>

  init(entries: Int = 0) throws {
    guard let identifier = StoreIdentifier(Array(1...16)) else {
      throw Missing(what: "an identifier")
    }
    folder = try TemporaryDirectory()
    directory = folder.path
    let made2 = try KeyringStore.create(
      under: FileKeySource(directory: "\(directory)/keys").make(besides: []),
      cryptoperiods: .standard,
      atMilliseconds: 1_795_459_405_123)
    try Store.create(
      at: "\(directory)/store", mapSize: 1 << 26, storeIdentifier: identifier
    ) { transaction in
      try KeyringStore.save(made2, for: identifier, in: &transaction)
    }
    keyring = made2
    store = try Store.open(at: "\(directory)/store", mapSize: 1 << 26)
    log = Mutex(try AuditLog(restoringFrom: store))
    try record(
      (0..<entries).map { number in
        AuditEntry(
          actor: "spiffe://shop.example/checkout", operation: .delete, merchant: "shop",
          token: "tok_\(number)", outcome: number % 2 == 0 ? .refused : .replayed)
      })
  }

  var socketPath: String { "\(directory)/admin.sock" }

  /// Appends entries in one batch.
  func record(_ entries: [AuditEntry]) throws {
    try log.withLock { log in
      try store.write { transaction in
        for entry in entries {
          try log.append(entry, atMilliseconds: 1_795_459_405_123, in: &transaction)
        }
        try log.batchWillCommit(&transaction)
      }
      log.batchDidCommit()
    }
  }

  /// Operations as the running service has them.
  func operations() throws -> Operations {
    var hooks = AdministrationHooks(clock: .real)
    hooks.record = { [self] in try record([$0]) }
    hooks.recordRefusal = { [self] in try record([$0]) }
    hooks.keyring = { [keyring] in keyring }
    hooks.slots = try SecretPool(slots: 4, slotSize: 256)
    hooks.service = {
      ServiceStatus(
        state: .serving, version: "1.2.3", isDevelopment: true, processIdentifier: 42,
        startedMilliseconds: 1_795_459_405_123, uptimeSeconds: 7, listen: "127.0.0.1:8443",
        connections: 3, paymentsInFlight: 1, policyGeneration: 1, openFilesLimit: 1_024,
        lockedMemoryLimitBytes: 65_536)
    }
    hooks.metrics = { [Metric("cadenas_requests_total", .counter, "Requests.", 5)] }
    return Operations(store: store, hooks: hooks)
  }

  /// Serves with roles for this test's user while `body` runs.
  func serving(
    operators: [AccessList.Member] = [.user(HostUser.current.name ?? "")],
    _ body: (AdminServer, AdminClient) throws -> Void
  ) throws {
    let server = try AdminServer.start(
      path: socketPath, socketGroup: nil, access: AccessList(operators: operators, auditors: []),
      operations: operations(), on: MultiThreadedEventLoopGroup.singleton,
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    defer { server.stop() }
    try body(server, AdminClient(path: socketPath))
  }

  /// The lines of the log from `first` on.
  func lines(from first: UInt64) throws -> [String] {
    let page = try AuditReader(store).page(from: first)
    return String(decoding: page.lines, as: UTF8.self).split(separator: "\n").map(String.init)
  }
}

/// What an operation gave out.
struct Collected {
  var documents: [String] = []
  var metrics = ""
  var lines = ""
  var progress: [UInt64] = []

  mutating func take(_ part: AdminPart) {
    switch part {
    case .document(let json): documents.append(String(decoding: json, as: UTF8.self))
    case .metrics(let text): metrics += String(decoding: text, as: UTF8.self)
    case .lines(let text): lines += String(decoding: text, as: UTF8.self)
    case .progress(let done, _): progress.append(done)
    }
  }
}

extension Clock {
  /// That of the machine.
  static let real = Clock(
    milliseconds: { Int64(nanoseconds(CLOCK_REALTIME) / 1_000_000) },
    monotonicNanoseconds: { nanoseconds(CLOCK_MONOTONIC) })

  private static func nanoseconds(_ clock: clockid_t) -> UInt64 {
    var now = timespec()
    unsafe clock_gettime(clock, &now)
    return UInt64(now.tv_sec) * 1_000_000_000 + UInt64(now.tv_nsec)
  }
}

extension AdminClient {
  func collect(_ operation: any AdminOperation) throws -> Collected {
    var collected = Collected()
    try run(operation) { collected.take($0) }
    return collected
  }
}
