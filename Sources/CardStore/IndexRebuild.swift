import Cards
import Keyring
import SecretMemory
import Storage
import Synchronization
import SystemCalls

/// Brings a fingerprint index that could not be read, or had no room, to where the store is: on a thread
/// of its own, while the store is served. No card that is deduplicated may be stored meanwhile, so that
/// it misses none.
final class IndexRebuild: Sendable {
  private let isAbandoned = Atomic(false)
  private let result = Mutex<Result<FingerprintIndexes, CardStoreError>?>(nil)
  private let thread = Mutex<WorkerThread?>(nil)

  /// What it came to; nil while it is under way.
  var outcome: Result<FingerprintIndexes, CardStoreError>? { result.withLock { $0 } }

  /// Begins. Where there is no thread to be had, it has failed.
  ///
  /// - Parameters:
  ///   - newest: the greatest token that the store ever gave out.
  ///   - before: a rebuild under other keys, and flushes to the index before, which end first.
  func start(
    _ store: Store, keyring: Keyring, slots: SecretPool, upTo newest: Token?, pace: IndexPace,
    after before: IndexRebuild?, _ flushes: [FlushTask]
  ) {
    before?.isAbandoned.store(true, ordering: .relaxed)
    do throws(SystemFailure) {
      let worker = try WorkerThread(named: "cadenas-index") { [self] in
        before?.abandon()
        for flush in flushes { flush.abandon() }
        let outcome: Result<FingerprintIndexes, CardStoreError>
        do throws(CardStoreError) {
          let cipher = try CardCipher(keyring: keyring, slots: slots)
          try Self.prepareIndex(of: store)
          outcome = .success(
            try FingerprintIndexes(
              store: store, cipher: cipher, upTo: newest, pace: pace,
              rest: { [self] _ in !isAbandoned.load(ordering: .relaxed) }))
        } catch { outcome = .failure(error) }
        result.withLock { $0 = outcome }
      }
      thread.withLock { $0 = worker }
    } catch { result.withLock { $0 = .failure(.store(StorageError(error))) } }
  }

  /// Begins an empty index where there is none that can be used.
  static func prepareIndex(of store: Store) throws(CardStoreError) {
    if let index = try? store.index, !index.isCondemned { return }
    do throws(StorageError) { try store.replaceIndex() } catch {
      throw error.isOfRoom ? .indexIsBehind : .store(error)
    }
  }

  /// Ends it after the piece of work under way, and waits for that.
  func abandon() {
    isAbandoned.store(true, ordering: .relaxed)
    thread.withLock { $0.take() }?.join()
  }
}
