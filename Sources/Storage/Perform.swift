import SystemCalls

/// A job made of a closure.
///
/// Sendable is unchecked: `output` is touched by the writer's thread alone.
private final class ClosureJob<Output: Sendable, Failure: StoreFailure>:
  WriteJob, @unchecked Sendable
{
  let admission: Admission
  private let body: @Sendable (inout StoreWriteTransaction) throws(Failure) -> Output
  private let reply: @Sendable (Result<Output, Failure>) -> Void
  private var output: Output?

  init(
    _ admission: Admission,
    _ body: @escaping @Sendable (inout StoreWriteTransaction) throws(Failure) -> Output,
    reply: @escaping @Sendable (Result<Output, Failure>) -> Void
  ) {
    self.admission = admission
    self.body = body
    self.reply = reply
  }

  func apply(_ transaction: inout StoreWriteTransaction) throws(Failure) {
    output = try body(&transaction)
  }

  func complete(_ result: Result<Void, Failure>) {
    reply(
      result.map {
        guard let output else { preconditionFailure("a job is applied before it succeeds") }
        return output
      })
  }
}

extension Store {
  /// Has the writer run `body`, and gives `reply` what it returned the last time once that is durable,
  /// or why nothing has changed. As ``WriteJob`` says, `body` may run more than once, and `reply` has
  /// to be quick.
  package func submit<Output: Sendable, Failure: StoreFailure>(
    _ admission: Admission = .reserved,
    _ body: @escaping @Sendable (inout StoreWriteTransaction) throws(Failure) -> Output,
    reply: @escaping @Sendable (Result<Output, Failure>) -> Void = { _ in }
  ) {
    submit(ClosureJob(admission, body, reply: reply))
  }

  /// The same, and waits for the reply: for administration, never on an event loop or on the writer's
  /// thread.
  /// - Throws: what `body` throws, or ``StorageError`` in it; after an error nothing has changed.
  @discardableResult
  package func perform<Output: Sendable, Failure: StoreFailure>(
    admission: Admission = .reserved,
    _ body: @escaping @Sendable (inout StoreWriteTransaction) throws(Failure) -> Output
  ) throws(Failure) -> Output {
    let result = Monitor<Result<Output, Failure>?>(nil)
    submit(admission, body) { outcome in
      result.withLock { $0 = outcome }
      result.broadcast()
    }
    return try result.waitUntil { $0 }.get()
  }
}
