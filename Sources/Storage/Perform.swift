/// A job that its submitter waits for.
///
/// Sendable is unchecked: `body` is touched by the writer's thread alone, and the result stands behind
/// a lock.
private final class AwaitedJob: WriteJob, @unchecked Sendable {
  let admission: Admission
  private let body: (inout StoreWriteTransaction) throws -> Void
  private let result = Monitor<Result<Void, any Error>?>(nil)

  init(
    _ admission: Admission, _ body: @escaping (inout StoreWriteTransaction) throws -> Void
  ) {
    self.admission = admission
    self.body = body
  }

  func apply(_ transaction: inout StoreWriteTransaction) throws { try body(&transaction) }

  func complete(_ outcome: Result<Void, any Error>) {
    result.withLock { $0 = outcome }
    result.broadcast()
  }

  func wait() throws { try result.waitUntil { $0 }.get() }
}

extension Store {
  /// Has the writer run `body` and waits until its changes are durable: for administration, never on
  /// an event loop or on the writer's thread. `body` may run more than once, as
  /// ``WriteJob/apply(_:)`` says.
  /// - Throws: what `body` throws, or ``StorageError``; after an error nothing has changed.
  package func perform(
    admission: Admission = .reserved,
    _ body: @escaping (inout StoreWriteTransaction) throws -> Void
  ) throws {
    let job = AwaitedJob(admission, body)
    submit(job)
    try job.wait()
  }
}
