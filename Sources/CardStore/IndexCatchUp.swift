import Cards
import Cryptography
import Keyring
import RecordFormat
import SecretMemory
import Storage

/// Brings the fingerprint index to where the store is, before the store is served.
///
/// Records after the index's mark are opened and their fingerprints added, in sorted runs. An index
/// without a usable mark, or one that knows more than the store, is emptied and built anew.
struct IndexCatchUp {
  /// Records opened for one sorted run: some 64 MiB of entries.
  static let recordsPerRun = 1_000_000
  /// Records read in one transaction, so that none lives long.
  static let recordsPerRead = 10_000
  /// Entries in one transaction: nobody waits beside it yet.
  static let entriesPerTransaction = 10_000

  private let store: Store
  private let file: IndexFile
  private let cipher: CardCipher

  init(store: Store, file: IndexFile, cipher: CardCipher) {
    self.store = store
    self.file = file
    self.cipher = cipher
  }

  /// Catches up to `newest`, the greatest token that the store ever gave out.
  func run(upTo newest: Token?, progress: (Int) -> Void) throws {
    var marked = try file.mark()?.token
    if let ahead = marked, newest.map({ ahead > $0 }) ?? true { marked = nil }
    if marked == nil { try file.clear() }
    guard let newest, marked != newest else { return }
    var run = Run(position: marked?.array)
    while !run.isAtEnd {
      run.entries.removeAll(keepingCapacity: true)
      while !run.isAtEnd && run.entries.count < Self.recordsPerRun {
        try read(&run)
        progress(run.opened)
      }
      // Of two records with one fingerprint, the newer one is found.
      run.entries.sort { ($0.key, $0.token) < ($1.key, $1.token) }
      try write(run, mark: run.isAtEnd ? newest : run.lastToken)
    }
  }

  /// Where a catch-up is, and what it has found since it last wrote.
  private struct Run {
    var entries: [(key: Digest256, token: Token)] = []
    /// The key of the last record that was looked at.
    var position: [UInt8]?
    var lastToken: Token?
    var isAtEnd = false
    var opened = 0
  }

  /// The fingerprint that belongs into the index. A record that does not open has none: it would deny
  /// the whole service for one card, and `store verify` names it.
  private func fingerprint(_ record: RawSpan, token: Token) throws -> Digest256? {
    do {
      let card = try cipher.open(record, token: token)
      guard card.isDeduplicated else { return nil }
      return cipher.fingerprint(
        card.pan, merchant: try CardRecordHeader(of: record).merchant, customer: card.customer)
    } catch CardStoreError.recordDoesNotOpen {
      return nil
    }
  }

  private func write(_ run: Run, mark: Token?) throws {
    var start = 0
    repeat {
      let end = min(start + Self.entriesPerTransaction, run.entries.count)
      let entries = run.entries[start..<end].map { IndexFile.Entry($0.key, $0.token) }
      try file.write(entries[...], mark: end == run.entries.count ? mark : nil)
      start = end
    } while start < run.entries.count
  }

  /// Opens the next records, as many as one transaction should look at.
  private func read(_ run: inout Run) throws {
    var count = 0
    let isFirst = run.position == nil
    let start = run.position ?? []
    try store.read { transaction in
      try transaction.forEach(
        in: .cards, from: isFirst ? nil : start.rawSpan
      ) { key, record in
        if !isFirst && key.isEqual(to: start) { return true }
        // Under a damaged key nothing can be found, and nothing opens.
        if let token = Token(bytes: key) {
          if let fingerprint = try fingerprint(record, token: token) {
            run.entries.append((fingerprint, token))
          }
          run.lastToken = token
        }
        run.position = key.array
        count += 1
        return count < Self.recordsPerRead
      }
    }
    run.isAtEnd = count < Self.recordsPerRead
    run.opened += count
  }
}
