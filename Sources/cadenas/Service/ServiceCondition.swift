import Synchronization

/// How the service is, where its parts do not know it themselves.
final class ServiceCondition: Sendable {
  private let draining = Atomic(false)
  private let writingEnded = Atomic(false)
  private let generation = Atomic<UInt64>(1)
  private let persons: Atomic<Int>

  /// - Parameter personsToDestroy: how many different persons it takes to destroy a key.
  init(personsToDestroy: Int) { persons = Atomic(personsToDestroy) }

  /// Whether the service is stopping.
  var isDraining: Bool { draining.load(ordering: .relaxed) }
  /// Whether the disk has failed.
  var hasWritingEnded: Bool { writingEnded.load(ordering: .relaxed) }
  /// How often a configuration has been put in force.
  var policyGeneration: UInt64 { generation.load(ordering: .relaxed) }

  /// How many different persons it takes to destroy a key.
  var personsToDestroy: Int { persons.load(ordering: .relaxed) }

  func beginDraining() { draining.store(true, ordering: .relaxed) }
  func endWriting() { writingEnded.store(true, ordering: .relaxed) }
  /// Puts a configuration in force.
  func put(generation new: UInt64, personsToDestroy: Int) {
    persons.store(personsToDestroy, ordering: .relaxed)
    generation.store(new, ordering: .relaxed)
  }
}
