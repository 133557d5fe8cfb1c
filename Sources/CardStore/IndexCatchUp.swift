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
    var position = try file.mark()?.token
    if let marked = position, newest.map({ marked > $0 }) ?? true { position = nil }
    if position == nil { try file.clear() }
    guard let newest, position != newest else { return }
    var opened = 0
    while position != newest {
      var entries: [(key: Digest256, value: Token)] = []
      var isAtEnd = false
      while !isAtEnd && entries.count < Self.recordsPerRun {
        let read = try readRun(after: position, into: &entries)
        isAtEnd = read.last == nil
        position = read.last ?? newest
        opened += read.count
        progress(opened)
      }
      entries.sort { $0.key < $1.key }
      try write(entries, mark: position ?? newest)
    }
  }

  /// The fingerprint that belongs into the index. A record that does not open has none: it would deny
  /// the whole service for one card, and `store verify` names it.
  private func fingerprint(_ record: RawSpan, token: Token) throws -> Digest256? {
    do {
      let header = try CardRecordHeader(of: record)
      let card = try cipher.open(record, token: token)
      guard card.isDeduplicated else { return nil }
      return cipher.fingerprint(card.pan, merchant: header.merchant, customer: card.customer)
    } catch is RecordError {
      return nil
    }
  }

  private func write(_ entries: [(key: Digest256, value: Token)], mark: Token) throws {
    var start = 0
    repeat {
      let end = min(start + FlushTask.entriesPerTransaction * 10, entries.count)
      try file.write(entries[start..<end], mark: end == entries.count ? mark : nil)
      start = end
    } while start < entries.count
  }

  /// Opens the records after `position`; `last` is nil when there were none left.
  private func readRun(
    after position: Token?, into entries: inout [(key: Digest256, value: Token)]
  ) throws -> (last: Token?, count: Int) {
    var last: Token?
    var count = 0
    let start = position?.array ?? []
    try store.read { transaction in
      try transaction.forEach(
        in: .cards, from: position == nil ? nil : start.rawSpan
      ) { key, record in
        guard let token = Token(bytes: key) else { throw CardStoreError.malformedRow }
        if token == position { return true }
        if let fingerprint = try fingerprint(record, token: token) {
          entries.append((fingerprint, token))
        }
        last = token
        count += 1
        return count < Self.recordsPerRead
      }
    }
    return (last, count)
  }
}
