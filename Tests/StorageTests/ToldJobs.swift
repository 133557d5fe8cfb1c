import Storage
import TestSupport

/// What a child process that ran `DiskRun` told before it was killed, and what has to be in its store.
struct ToldJobs {
  /// Of a batch.
  private static let mostJobs = 20

  /// The file that the store was made of has its name.
  private(set) var isCreated = false
  /// The writer began with a journal.
  private(set) var hasJournal = false
  /// Why it could go no further, by name.
  private(set) var lack: String?
  private(set) var stored = 0
  private(set) var refused = 0
  /// Whether it was killed before its last step.
  private(set) var isKilledEarly = true
  /// What must not be told.
  private(set) var failures: [String] = []
  private var rows: [Table: [Int: [UInt8]]] = [:]
  /// Of these, some may have been in a batch that nobody was told of.
  private var untold: Set<Int> = []
  private var next = 0

  init(_ lines: [String]) {
    for line in lines { take(line) }
    // Those of the batch in which the process was killed.
    for number in next..<next + Self.mostJobs { untold.insert(number) }
    next += Self.mostJobs
  }

  private mutating func take(_ line: String) {
    let words = line.split(separator: " ")
    switch words.first {
    case "created": isCreated = true
    case "journal": hasJournal = words.count == 1
    case "lacks": lack = line
    case "filled": break
    case "end": isKilledEarly = false
    case "stored", "full":
      guard let number = Int(words[1]) else { return failures.append(line) }
      if number >= next {
        for number in next..<number { untold.insert(number) }
        next = number + 1
      } else {
        untold.remove(number)
      }
      if words[0] == "stored" { store(number) } else { refused += 1 }
    case "read":
      let counts = [Table.cards, .audit, .idempotency].map { "\(rows[$0, default: [:]].count)" }
      if line != "read \(counts.joined(separator: " "))" { failures.append("\(line): \(counts)") }
    default: failures.append(line)
    }
  }

  /// A job is done.
  mutating func store(_ number: Int) {
    stored += 1
    for change in NumberedJob.changes(of: number) {
      rows[change.table, default: [:]][change.key] = change.value
    }
  }

  /// Takes those as done of which nobody was told, and whose mark is there.
  mutating func complete(with found: [Row]) {
    let marks = Set(found.filter { $0.table == .audit }.map { $0.key })
    for number in untold.sorted() where marks.contains(keyBytes(NumberedJob.mark(of: number))) {
      store(number)
    }
    untold = []
  }

  /// All that has to be there, in order.
  var all: [Row] {
    Table.allCases.flatMap { table in
      rows[table, default: [:]].sorted { $0.key < $1.key }
        .map { Row(table: table, key: keyBytes($0.key), value: $0.value) }
    }
  }

  /// A number that no job had.
  mutating func newNumber() -> Int {
    next += 1
    return next
  }
}
