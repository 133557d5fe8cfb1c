import Bytes
import Glibc
import Storage
import TestSupport
import Testing

/// A store and its journal, as a process leaves them that ends in the midst of its work.
@Suite(.timeLimit(.minutes(5))) struct JournalTests {
  private let directory: TemporaryDirectory
  private let mapSize = 32 << 20

  init() throws { directory = try TemporaryDirectory() }

  /// A store whose writer commits LMDB only when it has to.
  private func open(_ path: String? = nil, isReadOnly: Bool = false) throws -> Store {
    var options = Store.Options()
    options.isReadOnly = isReadOnly
    return try Store.open(at: path ?? directory.store, mapSize: mapSize, options: options)
  }

  private func start(_ store: Store, _ change: (inout JournalLimits) -> Void = { _ in }) throws {
    var limits = WriterLimits()
    limits.journal.bytes = 1 << 20
    limits.journal.nanoseconds = 1 << 60
    limits.journal.idleNanoseconds = 1 << 60
    change(&limits.journal)
    try store.startWriter(limits: limits) { Issue.record("writing ended: \($0)") }
  }

  /// The store's files as the disk has them now, in another directory.
  private func killed(_ name: String = "killed") throws -> String {
    let copy = "\(directory.path)/\(name)"
    try #require(unsafe mkdir(copy, 0o700) == 0)
    for file in ["cards.mdb", "cards.journal"] {
      try writeFile(contents(of: "\(directory.store)/\(file)"), to: "\(copy)/\(file)")
    }
    return copy
  }

  private func writeFile(_ bytes: [UInt8], to path: String) throws {
    let descriptor = unsafe Glibc.open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    defer { close(descriptor) }
    let count = unsafe bytes.withUnsafeBytes { unsafe write(descriptor, $0.baseAddress, $0.count) }
    try #require(count == bytes.count)
  }

  private func put(_ numbers: Range<Int>, in store: Store) throws {
    for number in numbers {
      try store.perform { (transaction) throws(StorageError) in
        try transaction.append(number)
        try transaction.put(number % 7, valueBytes: 1 + number % 50, in: .idempotency)
        if number % 5 == 4 { _ = try transaction.delete(number - 2) }
      }
    }
  }

  @Test func `what was acknowledged is there after a crash, and again after the next`() throws {
    let store = try directory.newStore(mapSize: mapSize)
    try start(store)
    try put(0..<40, in: store)
    #expect(store.pendingFrames.count == 40)
    let first = try killed("first")
    let rows = try store.rows()
    #expect(rows.count == 32 + 7 + 0)
    #expect(store.pendingFrames.count == 0)

    // Read without a change of the files, then with one, then once more.
    let before = try contents(of: "\(first)/cards.mdb")
    do {
      let reader = try open(first, isReadOnly: true)
      #expect(try reader.rows() == rows)
      #expect(try reader.count() == 32)
      #expect(try reader.read { try $0.contains(39) && !$0.contains(2) })
    }
    #expect(try contents(of: "\(first)/cards.mdb") == before)
    do {
      let recovered = try open(first)
      #expect(try recovered.rows() == rows)
      // It is all in the file now.
      unsafe unlink("\(first)/cards.journal")
      try start(recovered)
      try put(40..<50, in: recovered)
      recovered.stopWriter()
    }
    #expect(try open(first).count() == 40)
    store.stopWriter()
  }

  @Test func `frames go on after commits, in one half and the other`() throws {
    let store = try directory.newStore(mapSize: mapSize)
    try start(store)
    for round in 0..<6 {
      try put(round * 10..<round * 10 + 10, in: store)
      let copy = try killed("round\(round)")
      let rows = try store.rows()
      #expect(try open(copy).rows() == rows)
    }
    store.stopWriter()
  }

  @Test func `after a stop the file alone is the store`() throws {
    let store = try directory.newStore(mapSize: mapSize)
    try start(store)
    try put(0..<20, in: store)
    let rows = try store.rows()
    store.stopWriter()
    unsafe unlink("\(directory.store)/cards.journal")
    let copy = try Store.open(copy: "\(directory.store)/cards.mdb")
    #expect(try copy.rows() == rows)
  }

  @Test func `without its journal a store that was killed does not open`() throws {
    let store = try directory.newStore(mapSize: mapSize)
    try start(store)
    try put(0..<3, in: store)
    let copy = try killed()
    let other = try killed("other")
    let alone = try killed("alone")
    let missing = StorageError.journalMissing(file: "\(copy)/cards.journal")
    unsafe unlink("\(copy)/cards.journal")
    #expect(throws: missing) { try open(copy) }
    #expect(throws: missing) { try open(copy, isReadOnly: true) }
    // Nothing is made in its place.
    #expect(unsafe access("\(copy)/cards.journal", F_OK) != 0)
    // Another store's, or an older one's.
    let next = try open(other)
    try start(next)
    next.stopWriter()
    try writeFile(contents(of: "\(other)/cards.journal"), to: "\(copy)/cards.journal")
    #expect(throws: missing) { try open(copy) }
    // Its file by itself is no copy.
    let file = "\(alone)/cards.mdb"
    #expect(throws: StorageError.needsJournal(file: file)) { try Store.open(copy: file) }
  }

  @Test func `files of two dates are refused`() throws {
    let store = try directory.newStore(mapSize: mapSize)
    try start(store)
    try put(0..<3, in: store)
    let yesterday = try contents(of: "\(directory.store)/cards.mdb")
    let frames = try contents(of: "\(directory.store)/cards.journal")
    // Two commits, after which the half of then is used again.
    for round in 1..<4 {
      _ = try store.count()
      try put(round * 3..<round * 3 + 3, in: store)
    }
    let today = try killed("today")
    try writeFile(yesterday, to: "\(today)/cards.mdb")
    #expect(throws: StorageError.self) { try open(today) }
    let other = try killed("other")
    try writeFile(frames, to: "\(other)/cards.journal")
    // Frames that LMDB has are none that follow; it has had more than they tell.
    #expect(throws: StorageError.self) { try open(other) }
    store.stopWriter()
  }

  @Test func `what does not belong into the journal is LMDB's own`() throws {
    let store = try directory.newStore(mapSize: mapSize)
    try start(store) { $0.scatteredRows = 128 }
    try put(0..<2, in: store)
    let secret = [UInt8](repeating: 0xA7, count: 64)
    try store.perform { (transaction) throws(StorageError) in
      let key = Array("keyring".utf8)
      try transaction.put(key: key.rawSpan, value: secret.rawSpan, in: .keyring)
    }
    #expect(store.pendingFrames.count == 0)
    try put(2..<4, in: store)
    // One that is too large for a frame, and one of too many rows.
    try store.perform { (transaction) throws(StorageError) in
      try transaction.put(1, valueBytes: 300 << 10, in: .audit)
    }
    #expect(store.pendingFrames.count == 0)
    try store.perform { (transaction) throws(StorageError) in
      for number in 0..<200 { try transaction.put(number, in: .audit) }
    }
    #expect(store.pendingFrames.count == 0)
    try put(4..<6, in: store)
    let copy = try killed()
    #expect(!occurs(secret, in: try contents(of: "\(copy)/cards.journal")))
    let rows = try store.rows()
    #expect(try open(copy).rows() == rows)
    store.stopWriter()
  }

  @Test func `what is erased is in no byte of the journal`() throws {
    let store = try directory.newStore(mapSize: mapSize)
    try start(store)
    let value = [UInt8](repeating: 0x5C, count: 200)
    func put(_ number: UInt8) throws {
      try store.perform { (transaction) throws(StorageError) in
        let key: [UInt8] = [number]
        try transaction.put(key: key.rawSpan, value: value.rawSpan, in: .audit)
      }
    }
    func isThere() throws -> Bool {
      occurs(value, in: try contents(of: "\(directory.store)/cards.journal"))
    }
    try put(1)
    #expect(try isThere())
    try store.eraseJournal()
    #expect(try !isThere())
    try put(2)
    _ = try store.compact()
    #expect(try !isThere())
    try put(3)
    let copy = try killed()
    #expect(try open(copy).count(of: .audit) == 3)
    store.stopWriter()
    #expect(try isThere())
    let stopped = try killed("stopped")
    _ = try open(stopped).compact()
    #expect(!occurs(value, in: try contents(of: "\(stopped)/cards.journal")))
  }

  @Test func `a writer without a journal erases the one of a start before`() throws {
    let value = [UInt8](repeating: 0x5C, count: 200)
    let key: [UInt8] = [1]
    func isThere() throws -> Bool {
      occurs(value, in: try contents(of: "\(directory.store)/cards.journal"))
    }
    do {
      let store = try directory.newStore(mapSize: mapSize)
      try start(store)
      try store.perform { (transaction) throws(StorageError) in
        try transaction.put(key: key.rawSpan, value: value.rawSpan, in: .audit)
      }
      store.stopWriter()
    }
    let store = try open()
    // A map of which a sixteenth holds no bound of any commit.
    try start(store) { $0.pages = 0 }
    #expect(store.journalLack != nil)
    try store.perform { (transaction) throws(StorageError) in
      _ = try transaction.delete(key.rawSpan, in: .audit)
    }
    #expect(try isThere())
    try store.eraseJournal()
    #expect(try !isThere())
    store.stopWriter()
  }

  @Test func `LMDB is committed by rows, by age, by idleness and when the half is full`() throws {
    func frames(after count: Int, _ change: (inout JournalLimits) -> Void) throws -> Int {
      let path = "\(directory.path)/limits"
      defer { TemporaryDirectory.removeAll(path) }
      try Store.create(
        at: path, mapSize: mapSize, storeIdentifier: TemporaryDirectory.identifier())
      let store = try open(path)
      try start(store, change)
      for number in 0..<count {
        try store.perform { (transaction) throws(StorageError) in
          try transaction.put(number, valueBytes: 10_000, in: .audit)
        }
      }
      store.drain()
      defer { store.stopWriter() }
      return store.pendingFrames.count
    }
    #expect(try frames(after: 10) { $0.scatteredRows = 4 } == 2)
    #expect(try frames(after: 3) { $0.nanoseconds = 0 } == 0)
    #expect(try frames(after: 3) { $0.idleNanoseconds = 0 } == 0)
    // Three blocks each: 42 in a half of 127 blocks.
    #expect(try (1..<42).contains(frames(after: 60) { $0.scatteredRows = 1_000 }))
  }

  @Test func `readers see what was acknowledged before, and wait together`() throws {
    let store = try directory.newStore(mapSize: mapSize)
    try start(store)
    let threads = try (0..<8).map { thread in
      try TestThread {
        for number in 0..<50 {
          do {
            let own = thread * 1_000 + number
            try store.perform { (transaction) throws(StorageError) in
              try transaction.put(own, in: .idempotency)
            }
            let isThere = try store.read { try $0.contains(own, in: .idempotency) }
            #expect(isThere)
          } catch { Issue.record(error) }
        }
      }
    }
    for thread in threads { thread.join() }
    #expect(try store.count(of: .idempotency) == 400)
    store.stopWriter()
  }

  @Test func `a job that fails takes nothing from the batches before it`() throws {
    let store = try directory.newStore(mapSize: mapSize)
    try start(store)
    try put(0..<5, in: store)
    struct Refusal: Error {}
    let jobs = (0..<500).map { number in
      Job { transaction in
        try transaction.put(number, in: .audit)
        throw Refusal()
      }
    }
    store.commitTogether(jobs)
    #expect(jobs.allSatisfy { $0.completions == 1 && $0.error is AnyFailure || $0.error != nil })
    #expect(store.pendingFrames.count >= 5)
    let copy = try killed()
    #expect(try open(copy).count() == 4)
    #expect(try open("\(directory.path)/killed").count(of: .audit) == 0)
    store.stopWriter()
  }
}
