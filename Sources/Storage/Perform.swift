/// A job that its submitter waits for.
///
/// Sendable is unchecked: `body` is touched by the writer's thread alone, and the result stands behind
/// a lock.
private final class AwaitedJob<Output, Failure: StoreFailure>: WriteJob, @unchecked Sendable {
  let admission: Admission
  private let body: (inout StoreWriteTransaction) throws(Failure) -> Output
  private var output: Output?
  private let result = Monitor<Result<Output, Failure>?>(nil)

  init(
    _ admission: Admission,
    _ body: @escaping (inout StoreWriteTransaction) throws(Failure) -> Output
  ) {
    self.admission = admission
    self.body = body
  }

  func apply(_ transaction: inout StoreWriteTransaction) throws(Failure) {
    output = try body(&transaction)
  }

  func complete(_ outcome: Result<Void, Failure>) {
    let outcome = outcome.map {
      guard let output else { preconditionFailure("a job is applied before it succeeds") }
      return output
    }
    result.withLock { $0 = outcome }
    result.broadcast()
  }

  func wait() throws(Failure) -> Output { try result.waitUntil { $0 }.get() }
}

extension Store {
  /// Has the writer run `body`, waits until its changes are durable, and returns what it returned the
  /// last time: for administration, never on an event loop or on the writer's thread. `body` may run
  /// more than once, as ``WriteJob/apply(_:)`` says.
  /// - Throws: what `body` throws, or ``StorageError`` in it; after an error nothing has changed.
  @discardableResult
  package func perform<Output, Failure: StoreFailure>(
    admission: Admission = .reserved,
    _ body: @escaping (inout StoreWriteTransaction) throws(Failure) -> Output
  ) throws(Failure) -> Output {
    let job = AwaitedJob(admission, body)
    submit(job)
    return try job.wait()
  }
}
