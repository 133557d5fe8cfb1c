/// The time, given by whoever composes the vault.
package struct Clock: Sendable {
  /// Milliseconds since 1970-01-01 00:00 UTC. It may go backwards.
  package let milliseconds: @Sendable () -> Int64
  /// Nanoseconds since some moment. It never goes backwards.
  package let monotonicNanoseconds: @Sendable () -> UInt64

  package init(
    milliseconds: @escaping @Sendable () -> Int64,
    monotonicNanoseconds: @escaping @Sendable () -> UInt64
  ) {
    self.milliseconds = milliseconds
    self.monotonicNanoseconds = monotonicNanoseconds
  }
}
