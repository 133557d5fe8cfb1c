import Administration
import AuditLog
import Bytes
import Glibc
import JSON
import Storage
import SystemCalls

/// What happened to a store while no service had it open, for the entries of the next start.
///
/// Who opens a store may only read it, so its log cannot say so at that time. Two files beside `cards.mdb` do:
/// - `offline.jsonl`: a line for each command of ours that has opened it, in the form of an entry;
/// - `stopped`: the number of the last transaction, as the service left it. Another number at the next start
///   tells that something else has written.
///
/// Who owns the store can take both away, as they can read its file without these commands: they are for those
/// who do their work, and hide nothing.
struct OfflineNotes {
  private static let mostBytes = 1 << 20
  /// How many commands have an entry each; those beyond are one, with their count.
  private static let mostEntries = 200

  private let directory: String
  private var path: String { directory + "/offline.jsonl" }
  private var mark: String { directory + "/stopped" }

  /// The notes of the store in `directory`.
  init(of directory: String) { self.directory = directory }

  // MARK: - While no service runs

  /// Notes that this process opens the store for `operation`.
  ///
  /// What cannot be noted is said and holds nobody up: evidence may lie on a disk that is full, or mounted
  /// for reading.
  func add(_ operation: AuditOperation) {
    guard Initialization.exists(directory), !Directory.isOnReadOnlyDisk(directory) else { return }
    var line = AuditLine()
    line.write(
      AuditEntry(actor: HostUser.currentActor, operation: operation, outcome: .done), sequence: 0,
      atMilliseconds: SystemClock.unixMilliseconds())
    let text = line.bytes + [UInt8(ascii: "\n")]
    let descriptor = unsafe open(
      path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0o600)
    guard descriptor >= 0 else { return complain() }
    defer { close(descriptor) }
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
      Int(status.st_size) < Self.mostBytes
    else { return complain() }
    let written = unsafe text.withUnsafeBytes { unsafe write(descriptor, $0.baseAddress, $0.count) }
    if written != text.count { complain() }
  }

  private func complain() {
    Console.complain(
      "cadenas: warning: that the store was opened without a service is not noted in \(path): "
        + systemMessage(errno))
  }

  // MARK: - At a stop

  /// Notes how the service leaves the store, whose writer has stopped.
  func leave(_ store: Store) throws {
    let transaction = try store.statistics().lastTransaction
    try OutputFile.replace(mark, with: Array("\(transaction)\n".utf8))
  }

  // MARK: - At a start

  /// The entries about what happened since the last stop.
  ///
  /// - Parameter transaction: the last one of the store as it was found.
  func entries(foundAt transaction: Int) -> [AuditEntry] {
    var entries: [AuditEntry] = []
    if let left = Self.read(mark).flatMap({ Int(String(decoding: $0.dropLast(), as: UTF8.self)) }),
      left != transaction
    {
      entries.append(
        AuditEntry(
          actor: .system, operation: .storeOffline, outcome: .changed,
          reason: "transaction=\(transaction) was=\(left)"))
    }
    let content = Self.read(path)
    let lines = content?.split(separator: UInt8(ascii: "\n")) ?? []
    let notes = lines.map { line in
      let line = Array(line)
      return LoggedEntry(line: line.rawSpan).flatMap(Self.words)
    }
    for case let words? in notes.prefix(Self.mostEntries) {
      entries.append(
        AuditEntry(actor: .system, operation: .storeOffline, outcome: .done, reason: words))
    }
    let unreadable =
      notes.count(where: { $0 == nil }) + (content == nil && Self.isThere(path) ? 1 : 0)
    if unreadable > 0 {
      entries.append(
        AuditEntry(
          actor: .system, operation: .storeOffline, outcome: .failed,
          reason: "unreadable=\(unreadable)"))
    }
    if notes.count > Self.mostEntries {
      entries.append(
        AuditEntry(
          actor: .system, operation: .storeOffline, outcome: .counted,
          reason: "\(notes.count - Self.mostEntries)"))
    }
    return entries
  }

  /// What a note says, as words: of a command that there is, by a user, and nothing else. Whoever owns the file can
  /// have written it, so the entry is the vault's, and says what the note claims.
  private static func words(of note: LoggedEntry) -> String? {
    guard let operation = note.operation, !operation.isArchived,
      note.actor.wholeMatch(of: /user:#?[A-Za-z0-9._-]{1,32}/) != nil
    else { return nil }
    let time = RFC3339.string(unixMilliseconds: note.timeMilliseconds, precision: .milliseconds)
    let login = AuditActor.login(in: note.origin).flatMap {
      $0.wholeMatch(of: /#?[A-Za-z0-9._-]{1,32}/) == nil ? nil : $0
    }
    return "command=\(operation.rawValue) at=\(time) by=\(note.actor)"
      + (login.map { " login=\($0)" } ?? "")
  }

  private static func isThere(_ path: String) -> Bool {
    var status = stat()
    return unsafe lstat(path, &status) == 0
  }

  /// Removes what the entries tell of, which are durable now.
  func remove() {
    unsafe unlink(mark)
    unsafe unlink(path)
  }

  private static func read(_ path: String) -> [UInt8]? {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      return nil
    }
    var bytes = [UInt8](repeating: 0, count: mostBytes)
    var count = 0
    while count < bytes.count {
      let read = unsafe bytes.withUnsafeMutableBytes {
        unsafe Glibc.read(descriptor, $0.baseAddress.map { unsafe $0 + count }, $0.count - count)
      }
      if read < 0, errno == EINTR { continue }
      guard read > 0 else { break }
      count += read
    }
    return Array(bytes[..<count])
  }
}
