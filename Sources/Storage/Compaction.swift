import LMDB
import SystemCalls

/// What a compaction has done.
package struct CompactionResult: Equatable, Sendable {
  /// Length of `cards.mdb` before.
  package let bytesBefore: Int
  /// Length of `cards.mdb` after.
  package let bytesAfter: Int
  /// How long nothing could be written.
  package fileprivate(set) var nanosecondsPaused: UInt64
}

/// Puts a copy of the store, which holds nothing but what lives, in the place of its file.
///
/// Crash-safe at each step: until the copy, which is durable and verified by then, has the name
/// `cards.mdb`, the old file counts, and the draft is removed when the store is opened; afterwards the
/// new one counts. The old file loses its name, and its blocks go when its last snapshot ends.
struct Compaction: Sendable {
  /// How a compaction ended.
  enum Outcome {
    case done(CompactionResult)
    /// All is as it was.
    case failed(StorageError)
    /// The copy may have the name already, and is not in use: nothing may be written any more.
    case ended(StorageError)
  }

  let directory: String
  let generations: CurrentGeneration

  /// What is left where a crash interrupted a compaction: it may hold what is deleted since.
  static func leftovers(in directory: String) -> [String] {
    [draft(in: directory)]
  }

  private static func draft(in directory: String) -> String { "\(directory)/cards.mdb.compact" }

  /// Holds the writing transaction until the copy is in its place.
  func run(progress: StoreCopy.Progress) -> Outcome {
    let begin = SystemClock.monotonicNanoseconds()
    let outcome = replace(progress: progress)
    guard case .done(var result) = outcome else { return outcome }
    // Closing the old file, where no snapshot holds it, is part of it.
    result.nanosecondsPaused = SystemClock.monotonicNanoseconds() - begin
    return .done(result)
  }

  private func replace(progress: StoreCopy.Progress) -> Outcome {
    let before: Int
    // Before the writing transaction, which may write room ahead.
    do throws(StorageError) { before = try generations.value.fileBytes() } catch {
      return .failed(error)
    }
    do throws(LMDBError) {
      return replace(holding: try generations.beginWrite(), bytesBefore: before, progress: progress)
    } catch { return .failed(StorageError(error)) }
  }

  private func replace(
    holding transaction: borrowing StoreWriteTransaction, bytesBefore: Int,
    progress: StoreCopy.Progress
  ) -> Outcome {
    let old = generations.value
    let draft = Self.draft(in: directory)
    let mapSize: Int
    do throws(StorageError) {
      mapSize = try old.mapSize()
      try Files.remove([draft])
      _ = try StoreCopy.write(transaction, of: old, to: draft, progress: progress)
    } catch { return .failed(error) }
    do throws(StorageError) {
      try Files.rename(draft, to: old.environment.path)
    } catch {
      // An error of renaming does not say whether the file has its name still.
      guard (try? old.environment.hasItsName()) == true else { return end(error) }
      try? Files.remove([draft])
      return .failed(error)
    }
    do throws(StorageError) {
      let new = try adopt(old, mapSize: mapSize)
      let after = try new.fileBytes()
      generations.publish(new)
      return .done(
        CompactionResult(bytesBefore: bytesBefore, bytesAfter: after, nanosecondsPaused: 0))
    } catch { return end(error) }
  }

  private func end(_ error: StorageError) -> Outcome {
    generations.endWriting()
    return .ended(error)
  }

  /// Opens the copy, which has the name of the store by now.
  private func adopt(_ old: Generation, mapSize: Int) throws(StorageError) -> Generation {
    let path = old.environment.path
    // The old environment, which snapshots may hold, keeps its lock file without a name.
    try Files.remove(["\(path)-lock"])
    try Files.synchronize(directory: directory)
    var options = Environment.Options(mapSize: mapSize)
    // It was compared with the old one, entry by entry, a moment ago.
    options.isTrusted = true
    do throws(LMDBError) {
      return try Generation(path: path, options: options, proofs: old.proofs)
    } catch { throw StorageError(error, opening: path) }
  }
}

/// A compaction that its caller waits for.
///
/// Sendable is unchecked: `progress` is called on the thread that compacts alone, while its caller
/// waits.
final class CompactionRequest: @unchecked Sendable {
  let answer = PendingAnswer<CompactionResult>()
  private let progress: StoreCopy.Progress

  init(progress: @escaping StoreCopy.Progress) { self.progress = progress }

  /// Compacts; why nothing may be written any more, where that is so.
  ///
  /// - Parameter erase: puts zeros in the place of what the journal holds, when that is done.
  func run(
    _ compaction: Compaction, isStopping: () -> Bool = { false },
    erase: () throws(StorageError) -> Void
  ) -> StorageError? {
    let outcome = compaction.run { done, total in !isStopping() && progress(done, total) }
    switch outcome {
    case .done(let result):
      do throws(StorageError) { try erase() } catch {
        answer.complete(.failure(error == .full ? error : .writingEnded))
        return error == .full ? nil : error
      }
      answer.complete(.success(result))
    case .failed(let error):
      answer.complete(.failure(error == .cancelled && isStopping() ? .stopped : error))
    case .ended(let cause):
      answer.complete(.failure(.writingEnded))
      return cause
    }
    return nil
  }
}

/// What the writer's thread is asked for, for whose answer its caller waits.
final class PendingAnswer<Value: Sendable>: Sendable {
  private let result = Monitor<Result<Value, StorageError>?>(nil)

  func complete(_ outcome: Result<Value, StorageError>) {
    result.withLock { $0 = outcome }
    result.broadcast()
  }

  func wait() throws(StorageError) -> Value { try result.waitUntil { $0 }.get() }
}
