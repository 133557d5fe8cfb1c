import Synchronization

/// How the service is, where its parts do not know it themselves.
final class ServiceCondition: Sendable {
  private let draining = Atomic(false)
  private let writingEnded = Atomic(false)
  private let generation = Atomic<UInt64>(1)

  /// Whether the service is stopping.
  var isDraining: Bool { draining.load(ordering: .relaxed) }
  /// Whether the disk has failed.
  var hasWritingEnded: Bool { writingEnded.load(ordering: .relaxed) }
  /// How often a configuration has been put in force.
  var policyGeneration: UInt64 { generation.load(ordering: .relaxed) }

  func beginDraining() { draining.store(true, ordering: .relaxed) }
  func endWriting() { writingEnded.store(true, ordering: .relaxed) }
  func put(generation new: UInt64) { generation.store(new, ordering: .relaxed) }
}
