import AccessPolicy
import AuditLog
import Cards
import Cryptography
import Glibc
import Keyring
import Storage
import Synchronization
import Testing
import Ledgers
import Tokenization
import VaultCore
import VaultManagement

/// Something that a test needs is not there.
struct Missing: Error {
  let what: String
}

/// A fresh directory that goes with the value.
final class TemporaryDirectory: Sendable {
  let path: String

  init() throws {
    var template = Array("/tmp/cadenas-vault-XXXXXX".utf8CString)
    let made = unsafe template.withUnsafeMutableBufferPointer {
      unsafe $0.baseAddress.flatMap { unsafe mkdtemp($0) } != nil
    }
    guard made else { throw Missing(what: "a directory") }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  deinit { Self.removeAll(path) }

  var store: String { path + "/store" }
  var keys: String { path + "/keys" }

  /// The names of the files in `directory`.
  static func files(in directory: String) -> [String] {
    guard let stream = unsafe opendir(directory) else { return [] }
    defer { unsafe closedir(stream) }
    var names: [String] = []
    while let entry = unsafe readdir(stream) {
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
        unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
      }
      if name != "." && name != ".." { names.append(name) }
    }
    return names
  }

  /// Removes a directory and what is in it, or a file.
  static func removeAll(_ path: String) {
    for name in files(in: path) { removeAll("\(path)/\(name)") }
    if unsafe rmdir(path) != 0 { unsafe unlink(path) }
  }
}

/// The time as a test sets it. It begins at 2026-11-23T18:43:25Z.
final class MovableTime: Sendable {
  static let start: Int64 = 1_795_459_405_000

  private let wall = Atomic<Int64>(MovableTime.start)
  private let monotonic = Atomic<UInt64>(1_000_000_000)

  var milliseconds: Int64 {
    get { wall.load(ordering: .relaxed) }
    set { wall.store(newValue, ordering: .relaxed) }
  }

  /// Lets `seconds` pass on both clocks.
  func pass(seconds: Int64) {
    wall.add(seconds * 1_000, ordering: .relaxed)
    monotonic.add(UInt64(seconds) * 1_000_000_000, ordering: .relaxed)
  }

  /// Sets the wall clock: by `seconds` further ahead, or back, while no time passes.
  func jump(seconds: Int64) { wall.add(seconds * 1_000, ordering: .relaxed) }

  var clock: Clock {
    Clock(
      milliseconds: { self.wall.load(ordering: .relaxed) },
      monotonicNanoseconds: { self.monotonic.load(ordering: .relaxed) })
  }
}

/// A reply that is on its way.
final class Reply<Value: Sendable>: Sendable {
  private enum State {
    case nothing
    case value(Value)
    case awaited(CheckedContinuation<Value, Never>)
  }

  private let state = Mutex(State.nothing)
  private let times = Atomic<Int>(0)

  /// How often it came: it has to be once.
  var count: Int { times.load(ordering: .relaxed) }

  func send(_ value: Value) {
    times.add(1, ordering: .relaxed)
    let waiting = state.withLock { state -> CheckedContinuation<Value, Never>? in
      if case .awaited(let continuation) = state { return continuation }
      state = .value(value)
      return nil
    }
    waiting?.resume(returning: value)
  }

  var value: Value {
    get async {
      await withCheckedContinuation { continuation in
        let value = state.withLock { state -> Value? in
          if case .value(let value) = state { return value }
          state = .awaited(continuation)
          return nil
        }
        if let value { continuation.resume(returning: value) }
      }
    }
  }
}

/// A cast: two shops, one that does not deduplicate, and acquirers.
enum Cast {
  private static let shops = AuthorityReference(certificatePaths: ["/pki/ca.pem"])
  private static let banks = AuthorityReference(certificatePaths: ["/pki/acquirer-ca.pem"])

  static let policy = makePolicy()

  static func makePolicy(
    generation: UInt64 = 1, shopAcquirers: [String] = ["credit-du-nord", "pull-only"],
    shopNumber: UInt32 = 1, shopOperations: Set<Operation> = Set(Operation.allCases)
  ) -> Policy {
    Policy(
      generation: generation,
      merchants: [
        merchant("shop", shopNumber, acquirers: shopAcquirers, operations: shopOperations),
        merchant("other-shop", 2),
        merchant("plain-shop", 3, acquirers: ["credit-du-nord"], deduplicate: false),
      ],
      acquirers: [
        acquirer("credit-du-nord", push: true), acquirer("pull-only"),
        acquirer("stranger-bank", push: true),
      ])
  }

  private static func merchant(
    _ name: String, _ number: UInt32, acquirers: [String] = [], deduplicate: Bool = true,
    operations: Set<Operation> = Set(Operation.allCases)
  ) -> Merchant {
    Merchant(
      name: name, number: number, clients: ["spiffe://\(name).example/checkout"],
      authority: shops, operations: operations,
      acquirers: Dictionary(uniqueKeysWithValues: acquirers.map { ($0, MerchantAcquirer()) }),
      quotas: Quotas(tokenizePerMinute: 6_000), deduplicate: deduplicate)
  }

  private static func acquirer(_ name: String, push: Bool = false) -> Acquirer {
    Acquirer(
      name: name, currencies: ["EUR", "USD"],
      pull: PullAccess(clients: ["spiffe://\(name).example/authorization"], authority: banks),
      push: push)
  }

  /// A client of the merchant or acquirer; its identity may be that of `actor`'s.
  static func caller(
    _ name: String, actor: String? = nil, under generation: UInt64 = 1,
    transport: ScriptedTransport
  ) throws -> Caller {
    let terms = Terms(policy: makePolicy(generation: generation), acquirers: transport)
    if let merchant = policy.merchants[name] {
      let identity = actor.flatMap { policy.merchants[$0] } ?? merchant
      return Caller(
        actor: identity.clients[0], principal: .merchant(merchant), requestIdentifier: "req-1",
        terms: terms)
    }
    guard let acquirer = policy.acquirers[name], let pull = acquirer.pull else {
      throw Missing(what: name)
    }
    return Caller(
      actor: pull.clients[0], principal: .acquirer(acquirer), requestIdentifier: "req-1",
      terms: terms)
  }
}

/// Published test numbers.
enum Number {
  static let visaCB = "4970105181818183"
  static let visa = "4111111111111111"
  static let other = "4242424242424242"
  static let mastercard = "5555555555554444"
  static let amex = "378282246310005"
}

/// The bytes of a file.
func fileBytes(of path: String) throws -> [UInt8] {
  let descriptor = unsafe open(path, O_RDONLY)
  guard descriptor >= 0 else { throw Missing(what: path) }
  defer { close(descriptor) }
  var bytes = [UInt8](repeating: 0, count: Int(lseek(descriptor, 0, SEEK_END)))
  lseek(descriptor, 0, SEEK_SET)
  let count = unsafe bytes.withUnsafeMutableBytes {
    unsafe read(descriptor, $0.baseAddress, $0.count)
  }
  guard count == bytes.count else { throw Missing(what: path) }
  return bytes
}

/// Occupies the writer until it is let go, so that what is submitted meanwhile waits together.
final class Blocker: Sendable {
  private let entered = Gate()
  private let released = Gate()

  /// Returns when the writer is occupied.
  init(_ store: Store) {
    store.submit(Job(entered: entered, released: released))
    entered.wait()
  }

  func open() { released.open() }

  private final class Job: WriteJob {
    let admission = Admission.reserved
    private let entered: Gate
    private let released: Gate

    init(entered: Gate, released: Gate) {
      self.entered = entered
      self.released = released
    }

    func apply(_ transaction: inout StoreWriteTransaction) throws(StorageError) {
      entered.open()
      released.wait()
    }

    func complete(_ result: Result<Void, StorageError>) {}
  }
}

/// A door that threads wait at until it is opened, made of a pipe.
private final class Gate: Sendable {
  private let reading: Int32
  private let writing: Int32

  init() {
    var ends: [Int32] = [-1, -1]
    let status = unsafe ends.withUnsafeMutableBufferPointer { unsafe pipe($0.baseAddress) }
    precondition(status == 0, "no pipe")
    reading = ends[0]
    writing = ends[1]
  }

  deinit {
    close(reading)
    close(writing)
  }

  func open() {
    var byte: UInt8 = 1
    _ = unsafe write(writing, &byte, 1)
  }

  func wait() {
    var byte: UInt8 = 0
    while unsafe read(reading, &byte, 1) < 0 && errno == EINTR {}
  }
}

/// What a job of a test ends with, whatever it is.
private enum JobFailure: StoreFailure {
  case store(StorageError)
  case other(any Error)
}

extension Store {
  /// As the typed one, for a body whose errors have no type.
  @_disfavoredOverload
  func perform(_ body: @escaping (inout StoreWriteTransaction) throws -> Void) throws {
    nonisolated(unsafe) let body = body
    do throws(JobFailure) {
      try unsafe perform { (transaction) throws(JobFailure) in
        do { try unsafe body(&transaction) } catch { throw .other(error) }
      }
    } catch {
      switch error {
      case .store(let error): throw error
      case .other(let error): throw error
      }
    }
  }
}

extension VaultManager {
  func record(_ entry: AuditEntry) throws { try vault.record(entry) }
  func close() { vault.close() }
  var checkpoint: SignedCheckpoint? { vault.checkpoint }
  var paymentsInFlight: Int { vault.paymentsInFlight }
  var digitFigures: DigitFigures { books.digitFigures }
}
