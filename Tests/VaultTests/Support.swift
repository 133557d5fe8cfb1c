import AccessPolicy
import AuditLog
import Cards
import Cryptography
import Glibc
import Keyring
import Ledgers
import Storage
import Synchronization
import TestSupport
import Testing
import Tokenization
import VaultCore
import VaultManagement

extension TemporaryDirectory {
  var store: String { path + "/store" }
  var keys: String { path + "/keys" }
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
    shopNumber: UInt32 = 1, shopOperations: Set<Operation> = Set(Operation.allCases),
    shopBINDigits: Int = 6, shopClients: [MerchantClient]? = nil
  ) -> Policy {
    Policy(
      generation: generation,
      merchants: [
        merchant(
          "shop", shopNumber, acquirers: shopAcquirers, operations: shopOperations,
          binDigits: shopBINDigits, clients: shopClients),
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
    operations: Set<Operation> = Set(Operation.allCases), binDigits: Int = 6,
    clients: [MerchantClient]? = nil
  ) -> Merchant {
    Merchant(
      name: name, number: number,
      clients: clients ?? [MerchantClient(id: "spiffe://\(name).example/checkout")],
      authority: shops, operations: operations,
      acquirers: Dictionary(uniqueKeysWithValues: acquirers.map { ($0, MerchantAcquirer()) }),
      quotas: Quotas(tokenizePerMinute: 6_000), deduplicate: deduplicate, binDigits: binDigits)
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
        actor: identity.clients[0].id, principal: .merchant(merchant), requestIdentifier: "req-1",
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
extension VaultManager {
  func record(_ entry: AuditEntry) throws { try vault.record(entry) }
  func close() { vault.close() }
  var checkpoint: SignedCheckpoint? { vault.checkpoint }
  var paymentsInFlight: Int { vault.payments.count }
  var digitFigures: DigitFigures { vault.books.digitFigures }
}
