import Bytes
import Glibc
import LMDB
import Storage
import Synchronization

/// Writes to a store step by step while the tests make the disk fail.
///
/// Arguments: the directory of a new store, the directory of the fault flags, then steps:
/// `ordinary:N` and `reserved:N` submit N jobs at once and print how they ended, `large:N` and
/// `large-reserved:N` such of 1,000 bytes; `fault:NAME` makes the flag NAME, `clear:NAME` removes it,
/// `stop` stops the writer, `cut:N` cuts `cards.mdb` off after N pages, `get:N` looks the key N up, `bus`
/// sends a signal, `erase` erases the journal, `watch`, anywhere, has a file that cannot be read told of, `late`, anywhere, has LMDB
/// committed only when it has to be, `compact` compacts, `erase` erases the journal, and `write` commits a
/// transaction without the writer, which print how that ended. Or what ``DiskRun`` takes.
@main struct StorageFaults {
  static func main() throws {
    StandardDescriptors.fill()
    let arguments = CommandLine.arguments
    if arguments.count > 2, arguments[1] == "disk" { return DiskRun.run(Array(arguments[2...])) }
    guard arguments.count > 3, let identifier = StoreIdentifier(Array(1...16)) else { exit(2) }
    let mapSize = 8 << 20
    if arguments.contains("watch") {
      MapFaults.begin { path in MapFaults.Line(Array("lost \(path)\n".utf8)) }
    }
    try Store.create(at: arguments[1], mapSize: mapSize, storeIdentifier: identifier)
    let store = try Store.open(at: arguments[1], mapSize: mapSize)
    var limits = WriterLimits()
    if arguments.contains("late") {
      limits.journal.nanoseconds = 1 << 60
      limits.journal.idleNanoseconds = 1 << 60
    }
    try store.startWriter(limits: limits) { error in report("onEnd \(error)") }
    var next = 0
    for step in arguments[3...] {
      let parts = step.split(separator: ":")
      switch (parts.first, parts.last) {
      case ("stop", _): store.stopWriter()
      case ("watch", _), ("late", _): break
      case ("bus", _): raise(SIGBUS)
      case ("cut", let pages?):
        unsafe truncate("\(arguments[1])/cards.mdb", (Int(pages) ?? 0) * 4_096)
      case ("get", let number?):
        let number = Int(number) ?? 0
        let key = [UInt8(truncatingIfNeeded: number >> 8), UInt8(truncatingIfNeeded: number)]
        attempt("found") { _ = try store.read { try $0.contains(key.rawSpan, in: .cards) } }
      case ("erase", _): attempt("erased") { try store.eraseJournal() }
      case ("compact", _): attempt("compacted") { _ = try store.compact() }
      case ("erase", _): attempt("erased") { try store.eraseJournal() }
      case ("write", _): attempt("written") { try store.write { (_) throws(StorageError) in } }
      case ("fault", let name?): set(true, "\(arguments[2])/\(name)")
      case ("clear", let name?): set(false, "\(arguments[2])/\(name)")
      case (let kind?, let count?):
        let count = Int(count) ?? 0
        run(
          store, next..<next + count, kind.hasSuffix("reserved") ? .reserved : .ordinary,
          valueBytes: kind.hasPrefix("large") ? 1_000 : 2)
        next += count
      default: exit(2)
      }
    }
  }

  private static func set(_ isSet: Bool, _ flag: String) {
    guard isSet else {
      unsafe unlink(flag)
      return
    }
    close(unsafe open(flag, O_CREAT | O_WRONLY, 0o600))
  }

  /// Prints how `body` ended.
  private static func attempt(_ word: String, _ body: () throws -> Void) {
    do {
      try body()
      report(word)
    } catch { report("\(error)") }
  }

  /// Submits a job for each number, waits for all of them, and prints how many ended in which way.
  private static func run(
    _ store: Store, _ numbers: Range<Int>, _ admission: Admission, valueBytes: Int
  ) {
    let tally = Tally(expected: numbers.count)
    for number in numbers {
      store.submit(Put(number, admission, valueBytes: valueBytes, tally))
    }
    report(tally.wait())
  }
}

/// Prints at once: the process may end in any way.
func report(_ line: String) {
  var line = "\(line)\n"
  _ = line.withUTF8 { unsafe write(1, $0.baseAddress, $0.count) }
}

/// Counts results until all are in.
private final class Tally: Sendable {
  private let results = Mutex<[String: Int]>([:])
  private let missing: Atomic<Int>

  init(expected: Int) { missing = Atomic(expected) }

  func add(_ result: Result<Void, StorageError>) {
    let name =
      switch result {
      case .success: "stored"
      case .failure(let error): "\(error)"
      }
    results.withLock { $0[name, default: 0] += 1 }
    missing.subtract(1, ordering: .releasing)
  }

  func wait() -> String {
    while missing.load(ordering: .acquiring) > 0 { sched_yield() }
    return results.withLock { counts in
      counts.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
    }
  }
}

private final class Put: WriteJob {
  let admission: Admission
  private let key: [UInt8]
  private let value: [UInt8]
  private let tally: Tally

  init(_ number: Int, _ admission: Admission, valueBytes: Int, _ tally: Tally) {
    key = [UInt8(truncatingIfNeeded: number >> 8), UInt8(truncatingIfNeeded: number)]
    value = [UInt8](repeating: 1, count: valueBytes)
    self.admission = admission
    self.tally = tally
  }

  func apply(_ transaction: inout StoreWriteTransaction) throws(StorageError) {
    let (key, value) = (key, value)
    try transaction.put(key: key.rawSpan, value: value.rawSpan, in: .cards)
  }

  func complete(_ result: Result<Void, StorageError>) { tally.add(result) }
}
