import CLMDB
import Glibc
import Synchronization
import SystemCalls

/// An LMDB environment in one file: several named databases, one writer, many readers.
///
/// Opened without `NOSYNC` and `WRITEMAP`: a commit that returned is on the disk, but for a draft,
/// whose name nobody looks for yet. A process opens an environment once, since LMDB's lock on the
/// file does not hold between two opens of one process.
// Sendable is unchecked because of the pointer: it never changes after `init`, and LMDB makes its
// own environment safe for threads (`MDB_NOTLS`: readers are not tied to their thread).
@safe package final class Environment: @unchecked Sendable {
  /// How an environment is opened.
  package struct Options: Sendable {
    /// Greatest size of the file in bytes; a multiple of the page size.
    package var mapSize: Int
    package var maxDatabases = 16
    package var maxReaders = 512
    package var isReadOnly = false
    /// Makes the file where there is none. Otherwise a missing file is an error.
    package var creates = false
    /// Makes the file, which must not be there, as a draft: commits do not wait for the disk, so
    /// that nothing counts before ``Environment/synchronize()`` has returned and the file has been
    /// given its name. For one thread; no lock file is kept.
    package var isDraft = false
    /// Keeps no lock file: for a file that nobody writes while it is open.
    package var isUnshared = false
    /// How large a file is read whole before it is opened, in bytes: some 50 ms for as many as this. Of a
    /// larger one, see ``Environment/init(path:options:)``.
    package var checksWholeUpTo = 16 << 20
    /// Opens the file without a look at its pages: this process has just written and compared it.
    package var isTrusted = false

    package init(mapSize: Int) { self.mapSize = mapSize }
  }

  package let path: String
  let pointer: OpaquePointer
  /// Knows which pages may be touched.
  let trees: TreeGuard
  /// Whether the file may not become as large as was asked for, since this process may not write so much
  /// of a file (`RLIMIT_FSIZE`).
  package let isBoundByFileSizeLimit: Bool
  /// Whether every page of the file was read when it was opened, or was written by this process.
  package let wasReadWhole: Bool
  /// Bytes of a page.
  let pageSize: Int
  let mapWatch = MapWatch()
  /// Length of the file when it was found to lack free pages only; 0 where it was not.
  let knownLength = Atomic(0)

  /// Opens the file at `path` (mode 0600), beside which LMDB keeps `path-lock`.
  ///
  /// Before anything is mapped, the file is checked, since LMDB trusts it: its length, both headers, the
  /// free list, and all trees where it is small; of a larger one the upper pages of each tree and the
  /// last leaf. What is not checked then is before its first use. After creating, the directory is synced.
  /// - Throws: ``LMDBError/Kind/truncated``, ``LMDBError/Kind/damaged(file:page:)``,
  ///   ``LMDBError/Kind/mapTooSmall(neededBytes:)``, ``LMDBError/Kind/beyondFileSizeLimit``,
  ///   ``LMDBError/Kind/invalid``, `ENOENT` as ``LMDBError/Kind/system(errno:)``, and `EEXIST` where
  ///   there is a file in a draft's place.
  package init(path: String, options asked: Options) throws(LMDBError) {
    self.path = path
    let options = Self.bounded(asked)
    isBoundByFileSizeLimit = options.mapSize < asked.mapSize
    let isNew =
      options.isDraft
      ? try Self.createDraft(path: path)
      : try Self.inspect(path: path, options: options, isBound: isBoundByFileSizeLimit)
    let checked =
      isNew || options.isTrusted
      ? .all : try Self.checkFile(path, wholeUpTo: options.checksWholeUpTo)
    if case .all = checked { wasReadWhole = true } else { wasReadWhole = false }
    if !options.isReadOnly, !options.isDraft, !options.isUnshared {
      try Self.allocateLockFile(of: path, readers: options.maxReaders)
    }
    unsafe pointer = try Self.open(path, options)
    // From here on `deinit` closes the environment, after an error too.
    var descriptor: Int32 = -1
    var tree = MDB_stat()
    unsafe mdb_env_get_fd(pointer, &descriptor)
    unsafe mdb_env_stat(pointer, &tree)
    pageSize = Int(tree.ms_psize)
    trees = TreeGuard(
      PageFile(
        path: path, descriptor: descriptor, pageSize: pageSize,
        pageCount: options.mapSize / pageSize),
      checked)
    if isNew, !options.isDraft { try Self.synchronizeDirectory(of: path) }
  }

  deinit { unsafe mdb_env_close(pointer) }

  /// `options` with a map that ends where this process may not write on: LMDB tells the end of its map
  /// cleanly, and takes a write that is cut short for a failure of the disk.
  private static func bounded(_ options: Options) -> Options {
    guard !options.isReadOnly, let limit = ResourceLimit.fileSize.current else { return options }
    var bounded = options
    let page = UInt64(sysconf(Int32(_SC_PAGESIZE)))
    bounded.mapSize = min(options.mapSize, Int(clamping: max(limit / page, 1) * page))
    return bounded
  }

  /// Checks the file before it is mapped; true when there is none yet.
  private static func inspect(
    path: String, options: Options, isBound: Bool
  ) throws(LMDBError) -> Bool {
    guard let header = try FileHeader.read(path: path) else {
      guard options.creates, !options.isReadOnly else {
        throw LMDBError(.system(errno: ENOENT), in: .open)
      }
      return true
    }
    guard header.usedBytes <= options.mapSize else {
      throw LMDBError(
        isBound ? .beyondFileSizeLimit : .mapTooSmall(neededBytes: header.usedBytes), in: .open)
    }
    return false
  }

  /// Makes a draft's file, which belongs to its owner alone from the beginning: LMDB takes an empty
  /// file for a new one, and would take another's or follow a link just the same.
  private static func createDraft(path: String) throws(LMDBError) -> Bool {
    let flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
    let descriptor = unsafe Glibc.open(path, flags, 0o600)
    guard descriptor >= 0 else { throw LMDBError(code: errno, in: .create) }
    close(descriptor)
    return true
  }

  /// Gives LMDB's lock file its blocks before it is mapped: on a disk that is full, the first look at a
  /// page of it that has none would be a `SIGBUS`.
  private static func allocateLockFile(of path: String, readers: Int) throws(LMDBError) {
    let descriptor = unsafe Glibc.open("\(path)-lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw LMDBError(code: errno, in: .open) }
    defer { close(descriptor) }
    let isNew = lseek(descriptor, 0, SEEK_END) == 0
    // A page for its header, then 64 bytes for each reader. Its length is LMDB's affair.
    let bytes = off_t(4_096 + readers * 64)
    guard fallocate(descriptor, CLMDB_FALLOCATE_KEEP_SIZE, 0, bytes) != 0 else { return }
    let reason = LMDBError(code: errno, in: .allocate)
    // One that is there has the pages that were ever used. Other errors are of file systems that cannot.
    guard isNew, reason.kind == .noSpace else { return }
    unsafe unlink("\(path)-lock")
    throw reason
  }

  private static func open(_ path: String, _ options: Options) throws(LMDBError) -> OpaquePointer {
    var created: OpaquePointer?
    try LMDBError.check(unsafe mdb_env_create(&created), in: .create)
    guard let pointer = unsafe created else { throw LMDBError(.invalid, in: .create) }
    do throws(LMDBError) {
      unsafe try open(pointer, path: path, options: options)
      return unsafe pointer
    } catch {
      unsafe mdb_env_close(pointer)
      throw error
    }
  }

  private static func open(
    _ pointer: OpaquePointer, path: String, options: Options
  ) throws(LMDBError) {
    try LMDBError.check(unsafe mdb_env_set_mapsize(pointer, options.mapSize), in: .open)
    try LMDBError.check(
      unsafe mdb_env_set_maxdbs(pointer, MDB_dbi(options.maxDatabases)), in: .open)
    try LMDBError.check(
      unsafe mdb_env_set_maxreaders(pointer, UInt32(options.maxReaders)), in: .open)
    var flags = UInt32(MDB_NOSUBDIR) | UInt32(MDB_NOTLS)
    if options.isReadOnly { flags |= UInt32(MDB_RDONLY) }
    if options.isDraft { flags |= UInt32(MDB_NOSYNC) }
    if options.isDraft || options.isUnshared { flags |= UInt32(MDB_NOLOCK) }
    try LMDBError.check(unsafe mdb_env_open(pointer, path, flags, 0o600), in: .open)
  }

  /// Makes a new file's name durable.
  private static func synchronizeDirectory(of path: String) throws(LMDBError) {
    do throws(SystemFailure) { try Directory.synchronize(Directory.containing(path)) } catch {
      throw LMDBError(code: error.errno, in: .synchronize)
    }
  }
}

extension Environment {
  /// Makes everything that was committed durable: for a draft, whose commits do not wait for that.
  ///
  /// A failure is told once and never again, so the draft is of no use after it.
  package func synchronize() throws(LMDBError) {
    try LMDBError.check(unsafe mdb_env_sync(pointer, 1), in: .synchronize)
    // LMDB syncs the data; this adds what the file system keeps about the file.
    guard fsync(try descriptor()) == 0 else { throw LMDBError(code: errno, in: .synchronize) }
  }

  /// Begins a snapshot, which ends with the value's life. It belongs to the scope that began it and
  /// must be short: as long as it lives, LMDB cannot use freed pages again.
  /// - Throws: ``LMDBError/Kind/readersFull``.
  package func beginRead() throws(LMDBError) -> ReadTransaction {
    unsafe ReadTransaction(TransactionHandle(try begin(UInt32(MDB_RDONLY))), of: self)
  }

  /// Begins the one writing transaction; waits for another to end. It stays on the thread that
  /// began it, and ends with the value's life: aborted, unless it was committed.
  package func beginWrite() throws(LMDBError) -> WriteTransaction {
    unsafe WriteTransaction(TransactionHandle(try begin(0)), of: self)
  }

  /// Begins a snapshot that, where it could not begin, fails at its first use.
  package func beginReadOrFail() -> ReadTransaction {
    do throws(LMDBError) { return try beginRead() } catch {
      return failingRead(with: error)
    }
  }

  /// A snapshot that fails at its first use with `error`.
  package func failingRead(with error: LMDBError) -> ReadTransaction {
    ReadTransaction(TransactionHandle(error), of: self)
  }

  private func begin(_ flags: UInt32) throws(LMDBError) -> OpaquePointer {
    var transaction: OpaquePointer?
    let status = unsafe mdb_txn_begin(pointer, nil, flags, &transaction)
    try LMDBError.check(status, in: .begin)
    guard let transaction = unsafe transaction else { throw LMDBError(.invalid, in: .begin) }
    return unsafe transaction
  }

  /// Notes that every page of `database` has been read by a cursor since the environment was opened.
  package func noteRead(_ database: Database) { trees.prove(database) }

  /// Opens the database `name`, in a transaction of its own. Not while another thread opens one.
  /// With `creating` it is made where there is none, which needs an environment that can be written.
  /// - Throws: ``LMDBError/Kind/notFound``, ``LMDBError/Kind/databasesFull``.
  package func openDatabase(_ name: String, creating: Bool = false) throws(LMDBError) -> Database {
    let transaction = unsafe try begin(creating ? 0 : UInt32(MDB_RDONLY))
    var identifier: MDB_dbi = 0
    let flags = creating ? UInt32(MDB_CREATE) : 0
    let status = unsafe mdb_dbi_open(transaction, name, flags, &identifier)
    guard status == MDB_SUCCESS else {
      unsafe mdb_txn_abort(transaction)
      throw LMDBError(code: status, in: .openDatabase)
    }
    try LMDBError.check(unsafe mdb_txn_commit(transaction), in: .openDatabase)
    let database = Database(identifier: identifier)
    trees.opened(database, name: name)
    try watchMap(bySeeing: name)
    return database
  }
}
