import Glibc
package import Storage

/// A door that threads wait at until it is opened, made of a pipe: a wait is a system call, and never
/// turns.
package final class Gate: Sendable {
  private let reading: Int32
  private let writing: Int32

  package init() {
    var ends: [Int32] = [-1, -1]
    let status = unsafe ends.withUnsafeMutableBufferPointer { unsafe pipe($0.baseAddress) }
    precondition(status == 0, "no pipe")
    reading = ends[0]
    writing = ends[1]
  }

  deinit {
    close(reading)
    close(writing)
  }

  package func open() {
    var byte: UInt8 = 1
    _ = unsafe write(writing, &byte, 1)
  }

  /// Waits for one `open()`.
  package func wait() {
    var byte: UInt8 = 0
    while unsafe read(reading, &byte, 1) < 0 && errno == EINTR {}
  }
}

/// Occupies the writer until it is let go, so that what is submitted meanwhile waits together.
package final class Blocker: Sendable {
  private let entered = Gate()
  private let released = Gate()

  /// Returns when the writer is occupied.
  package init(_ store: Store) {
    store.submit(Job(entered: entered, released: released))
    entered.wait()
  }

  package func open() { released.open() }

  private final class Job: WriteJob {
    let admission = Admission.reserved
    private let entered: Gate
    private let released: Gate

    init(entered: Gate, released: Gate) {
      self.entered = entered
      self.released = released
    }

    func apply(_ transaction: inout StoreWriteTransaction) throws(StorageError) {
      entered.open()
      released.wait()
    }

    func complete(_ result: Result<Void, StorageError>) {}
  }
}
