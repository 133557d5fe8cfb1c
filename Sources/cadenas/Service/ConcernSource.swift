import AuditLog
import ConfigurationReading
import Synchronization
import SystemCalls
import VaultCore
import VaultManagement

/// Gathers what somebody is to be told of: of keys, certificates, revocation lists, the checkpoint's file and
/// the clock.
final class ConcernSource: Sendable {
  /// How many calls of ``tick()`` one look is.
  private static let secondsBetweenLooks = 5

  private struct State {
    var things: [EndingThing]
    var clock: ClockSettings
    var ticks = 0
  }

  private let manager: VaultManager
  private let publisher: CheckpointPublisher
  private let state: Mutex<State>

  init(
    _ configuration: ServiceConfiguration, manager: VaultManager, publisher: CheckpointPublisher
  ) {
    self.manager = manager
    self.publisher = publisher
    state = Mutex(
      State(things: EndingThing.all(of: configuration), clock: configuration.clock))
  }

  /// Puts another configuration in force.
  func update(_ configuration: ServiceConfiguration) {
    let things = EndingThing.all(of: configuration)
    state.withLock {
      $0.things = things
      $0.clock = configuration.clock
      $0.ticks = 0
    }
  }

  /// Looks, some of the times. Call it about once a second, not on an event loop.
  func tick() {
    let isDue = state.withLock { state in
      defer { state.ticks = (state.ticks + 1) % Self.secondsBetweenLooks }
      return state.ticks == 0
    }
    if isDue { look() }
  }

  private func look() {
    let (things, clock) = state.withLock { ($0.things, $0.clock) }
    let now = SystemClock.unixMilliseconds() / 1_000
    var kinds: Set<AuditOperation> = [.certificate, .revocationList, .checkpoint]
    var concerns = things.compactMap { $0.concern(atSeconds: now) }
    if let path = publisher.unwrittenFile {
      concerns.append(
        Concern(.checkpoint, .failed, of: path, reason: "file=\(path)", end: .done))
    }
    // Where nobody looks, nothing is said of it, and not that it is over.
    if let path = clock.synchronizedPath {
      kinds.insert(.clock)
      let sign = ClockSign(path, within: clock.withinSeconds, atSeconds: now)
      if let lack = sign.lack {
        concerns.append(
          Concern(
            .clock, .unsynchronized, of: "host", reason: "\(lack) file=\(path)", end: .synchronized)
        )
      }
    }
    if let keys = manager.keyConcerns {
      kinds.insert(.keysPeriod)
      concerns += keys
    }
    manager.vault.tell(concerns, of: kinds)
  }
}
