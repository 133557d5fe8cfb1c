import Bytes
import Cards
import Cryptography
import Keyring
import RecordFormat
import Storage

/// Brings a table of the fingerprint index to where the store is: before the store is served, or,
/// while fingerprints are made anew under another key, beside it.
///
/// Records after the table's mark are opened and their fingerprints added, in sorted runs, each of
/// which moves the mark: whoever is stopped goes on from there. A table without a usable mark, or one
/// that knows more than the store, is emptied and built anew.
struct IndexCatchUp {
  /// How much is done at a time.
  struct Pace {
    /// Records opened for one sorted run: some 64 MiB of entries.
    var recordsPerRun = 1_000_000
    /// Records read in one transaction, so that none lives long.
    var recordsPerRead = 10_000
    /// Entries in one transaction.
    var entriesPerTransaction = 10_000
    /// Newest records whose entries are handed out instead of written, if they are no more. To write
    /// them would change a page of the table for nearly each, and somebody waits for the start.
    var mostHandedOut = 0
    /// Whether a table without a usable mark is emptied first. Not where others write to it too: what
    /// is left of before are hints that lead nowhere.
    var clears = true
    /// Whether the mark moves past records that do not open. Not where older entries of them are kept
    /// until they do.
    var passesUnopened = true
    /// Called after each piece of work with the time that it took; false stops.
    var rest: (Duration) -> Bool = { _ in true }
  }

  /// What a catch-up came to.
  struct Outcome {
    /// The entries that it did not write, in the order of their tokens where one fingerprint has several;
    /// the mark stands before them.
    var waiting: [IndexFile.Entry] = []
    /// Records that it met and that do not open: nothing is known of their cards.
    var unopened = 0
  }

  /// A token that no card has: the mark of a table that is complete and empty.
  private static let beforeAll = Token(UUIDv7(milliseconds: 0, counter: 0, random: 0))

  let store: Store
  let file: IndexFile
  let cipher: CardCipher
  let pace: Pace

  /// Catches up to `newest`, the greatest token that the store ever gave out.
  ///
  /// - Returns: nil where it was stopped before the end.
  func run(
    upTo newest: Token?, progress: (Int) -> Void
  ) throws(CardStoreError) -> Outcome? {
    var marked = try file.mark()?.token
    if let ahead = marked, newest.map({ ahead > $0 }) ?? true {
      marked = nil
      // One of before the first card knows nothing that the store does not.
      if ahead != Self.beforeAll { file.index.noteAhead() }
    }
    if marked == nil, pace.clears { try file.clear() }
    guard let newest else {
      // Whose table it is stands in its mark alone, also where there is no card yet.
      if marked == nil, !pace.clears { try file.write([], mark: Self.beforeAll) }
      return Outcome()
    }
    // Behind the newest token, a record may stand under a key that is none.
    guard marked != newest || !pace.passesUnopened else { return Outcome() }
    var openedBefore = 0
    var unopenedBefore = 0
    var run = Run(after: marked, end: newest, pace)
    while !run.isAtEnd {
      run.found.entries.removeAll(keepingCapacity: true)
      while !run.isAtEnd && run.found.entries.count < pace.recordsPerRun {
        guard try measured({ () throws(CardStoreError) in try read(&run) }) else { return nil }
        progress(run.opened)
      }
      // Of two records with one fingerprint, the newer one is found.
      run.found.entries.sort { ($0.key, $0.token) < ($1.key, $1.token) }
      // Not where no mark says whose table it is, nor where another start would have much to open.
      if marked != nil, run.isAtEnd, !run.found.entries.isEmpty,
        run.opened - openedBefore <= pace.mostHandedOut
      {
        noteLeftOut(run.found.unopened - unopenedBefore)
        return Outcome(
          waiting: run.found.entries.map { IndexFile.Entry($0.key, $0.token) },
          unopened: run.found.unopened)
      }
      let isWhole = run.isAtEnd && (pace.passesUnopened || run.found.unopened == 0)
      guard try write(run, mark: isWhole ? newest : run.found.lastToken) else { return nil }
      noteLeftOut(run.found.unopened - unopenedBefore)
      (openedBefore, unopenedBefore) = (run.opened, run.found.unopened)
    }
    return Outcome(unopened: run.found.unopened)
  }

  /// Notes that the table goes on without the entries of records that do not open.
  private func noteLeftOut(_ count: Int) {
    if pace.passesUnopened { file.index.noteLeftOut(count) }
  }

  private func measured(
    _ work: () throws(CardStoreError) -> Void
  ) throws(CardStoreError) -> Bool {
    let began = ContinuousClock.now
    try work()
    return pace.rest(ContinuousClock.now - began)
  }

  /// What a catch-up has found.
  private struct Found {
    /// Since it last wrote.
    var entries: [(key: Digest256, token: Token)] = []
    /// The last token that the mark may name.
    var lastToken: Token?
    /// Records that do not open.
    var unopened = 0
  }

  /// Where a catch-up is.
  private struct Run {
    var found = Found()
    var walk: PieceWalk
    /// The token after which nothing is looked at.
    let end: Token
    var isAtEnd: Bool { walk.isAtEnd }
    var opened: Int { walk.count }

    init(after marked: Token?, end: Token, _ pace: Pace) {
      walk = PieceWalk(after: marked?.array, entriesPerPiece: pace.recordsPerRead)
      self.end = end
    }
  }

  /// Takes up what the table is to know of a record; false where it comes after the end.
  private func look(
    at key: RawSpan, _ record: RawSpan, upTo end: Token, _ found: inout Found
  ) throws(CardStoreError) -> Bool {
    if let token = Token(bytes: key) {
      guard token <= end else { return false }
      do throws(CardStoreError) {
        if let fingerprint = try fingerprint(record, token: token) {
          found.entries.append((fingerprint, token))
        }
      } catch {
        // The whole service is not denied for one card, and `store verify` names it.
        guard error == .recordDoesNotOpen else { throw error }
        found.unopened += 1
      }
      if pace.passesUnopened || found.unopened == 0 { found.lastToken = token }
    } else {
      // Under a damaged key nothing can be found, and nothing opens.
      found.unopened += 1
    }
    return true
  }

  /// The fingerprint that belongs into the index; nil for a card that is not deduplicated.
  private func fingerprint(
    _ record: RawSpan, token: Token
  ) throws(CardStoreError) -> Digest256? {
    let card = try cipher.open(record, token: token)
    guard card.isDeduplicated else { return nil }
    return try cipher.fingerprint(
      card.pan, merchant: try CardStore.header(of: record).merchant, customer: card.customer,
      under: file.fingerprintKey)
  }

  /// Writes the run's entries and, with the last ones, the mark; false where it was stopped.
  private func write(_ run: Run, mark: Token?) throws(CardStoreError) -> Bool {
    var start = 0
    repeat {
      let end = min(start + pace.entriesPerTransaction, run.found.entries.count)
      let entries = run.found.entries[start..<end].map { IndexFile.Entry($0.key, $0.token) }
      let isGoingOn = try measured { () throws(CardStoreError) in
        try file.write(
          entries[...], mark: end == run.found.entries.count ? mark : nil, keepsNewer: true)
      }
      guard isGoingOn else { return false }
      start = end
    } while start < run.found.entries.count
    return true
  }

  /// Opens the next records, as many as one transaction should look at.
  private func read(_ run: inout Run) throws(CardStoreError) {
    // Out of the run, which the walk is a part of.
    var found = Found()
    swap(&found, &run.found)
    defer { swap(&found, &run.found) }
    let end = run.end
    try store.readPiece(of: .cards, &run.walk) { (key, record, _) throws(CardStoreError) in
      try look(at: key, record, upTo: end, &found)
    }
  }
}
