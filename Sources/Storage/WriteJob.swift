/// Whether a job may use the room that is kept for what must always be possible.
package enum Admission: Equatable, Sendable {
  /// Refused with ``StorageError/full`` when only the reserve is left.
  case ordinary
  /// Deletions: they may use the reserve too, in the store and the queue, but for its last part, and each
  /// client only so much that there is always some left for the next (see ``ReserveShares``).
  case shared(by: UInt32)
  /// Outcomes and administration: they may use all of the reserve.
  case reserved

  /// Whose share of the reserve it takes; nil where it takes none.
  var client: UInt32? {
    if case .shared(let client) = self { client } else { nil }
  }
}

/// Work that needs a write transaction.
package protocol WriteJob: AnyObject, Sendable {
  /// Why it could not be done.
  associatedtype Failure: StoreFailure

  /// Whether the job may use the reserve. Constant for a job.
  var admission: Admission { get }

  /// Makes the job's changes. Runs on the writer's thread, perhaps several times (again after an
  /// aborted batch), and changes nothing but `transaction`, the participants and its own fields.
  ///
  /// What it throws is the job's result; nothing of the job is in the store then.
  func apply(_ transaction: inout StoreWriteTransaction) throws(Failure)

  /// Takes the result: success after the changes are durable. Called exactly once, on the writer's
  /// thread, or on the submitter's where the job was never accepted. Must be quick.
  func complete(_ result: Result<Void, Failure>)
}

extension WriteJob {
  /// Applies the job; what to call with its failure where it fails.
  func attempt(_ transaction: inout StoreWriteTransaction) -> (() -> Void)? {
    do throws(Failure) {
      try apply(&transaction)
      return nil
    } catch {
      return { [self] in complete(.failure(error)) }
    }
  }

  /// Completes the job, whose changes are durable.
  func succeed() { complete(.success(())) }

  /// Completes the job with an error of the store.
  func fail(_ error: StorageError) { complete(.failure(.store(error))) }
}

/// Keeps state that is written once for each batch. Every call comes on the thread that writes it.
package protocol BatchParticipant: AnyObject, Sendable {
  /// Writes the state that the batch's jobs have changed. An error fails the whole batch.
  func batchWillCommit(_ transaction: inout StoreWriteTransaction) throws(StorageError)

  /// The batch is durable.
  func batchDidCommit()

  /// Nothing of the batch is in the store: the state before it counts again. The batch may be
  /// applied once more, without some of its jobs.
  func batchDidAbort()
}

/// Limits of the writer.
package struct WriterLimits: Sendable {
  /// Jobs that may wait.
  package var queue: Int
  /// Jobs in one transaction.
  package var batch: Int
  /// Reserved jobs that may wait beyond `queue`, since an outcome must not be lost to overload.
  package var reservedQueue: Int
  /// The journal before LMDB.
  package var journal = JournalLimits()

  package init(queue: Int = 4096, batch: Int = 512, reservedQueue: Int = 8192) {
    self.queue = queue
    self.batch = batch
    self.reservedQueue = reservedQueue
  }
}
