import AcquirerGateway
import Synchronization

/// How the service is, where its parts do not know it themselves.
final class ServiceCondition: Sendable {
  private let draining = Atomic(false)
  private let endOfWriting = Mutex<String?>(nil)
  private let persons: Atomic<Int>
  private let ways: Mutex<AcquirerRoutes>

  /// - Parameter personsToDestroy: how many different persons it takes to destroy a key.
  init(personsToDestroy: Int, routes: AcquirerRoutes) {
    persons = Atomic(personsToDestroy)
    ways = Mutex(routes)
  }

  /// Whether the service is stopping.
  var isDraining: Bool { draining.load(ordering: .relaxed) }
  /// Why nothing is written any more; nil while something is.
  var causeOfEnd: String? { endOfWriting.withLock { $0 } }
  /// Whether nothing is written any more.
  var hasWritingEnded: Bool { causeOfEnd != nil }
  /// The acquirers of the configuration in force.
  var routes: AcquirerRoutes { ways.withLock { $0 } }
  /// How many different persons it takes to destroy a key.
  var personsToDestroy: Int { persons.load(ordering: .relaxed) }

  func beginDraining() { draining.store(true, ordering: .relaxed) }
  func endWriting(because cause: String) { endOfWriting.withLock { $0 = cause } }
  /// Puts a configuration in force.
  func put(personsToDestroy: Int, routes: AcquirerRoutes) {
    persons.store(personsToDestroy, ordering: .relaxed)
    ways.withLock { $0 = routes }
  }
}
