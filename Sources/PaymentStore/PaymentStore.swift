import Foundation
import GRDB
import Glibc

/// The payments of the page, in one SQLite file: written ahead, and synced with each transaction.
///
/// What has been written is there after a crash and after a loss of power. There is no card in it, and no
/// number of one: brand, last four and month of those that were tried, and tokens.
///
/// Rows are documents of JSON beside the columns that are searched by, so that a new member needs no new
/// table.
package final class PaymentStore: Sendable {
  private let pool: DatabasePool
  /// Held as long as the store is open, so that no second page serves from the same file.
  private let lock: Int32

  /// Of this program's tables.
  package static let format = 1

  /// Opens the file at `path`, or makes it; nobody else may read it.
  /// - Throws: ``PaymentStoreError``.
  package init(path: String) throws(PaymentStoreError) {
    // Of the file itself, whatever links lead to it.
    let lockPath = "\(URL(filePath: path).resolvingSymlinksInPath().path).lock"
    lock = unsafe open(lockPath, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard lock >= 0 else { throw .cannotOpen("\(lockPath) cannot be opened (errno \(errno))") }
    guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
      Glibc.close(lock)
      throw .inUse
    }
    do {
      var configuration = GRDB.Configuration()
      configuration.journalMode = .wal
      configuration.busyMode = .timeout(5)
      configuration.maximumReaderCount = 4
      configuration.label = "payments"
      configuration.prepareDatabase { database in
        try database.execute(sql: "PRAGMA synchronous = FULL")
        try database.execute(sql: "PRAGMA secure_delete = ON")
      }
      pool = try DatabasePool(path: path, configuration: configuration)
      try Self.migrator.migrate(pool)
      for file in [path, path + "-wal", path + "-shm"] {
        try? FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file)
      }
      let isNewer = try pool.read { database in
        try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0 > Self.format
      }
      if isNewer { throw PaymentStoreError.newer }
      try pool.write { try $0.execute(sql: "PRAGMA user_version = \(Self.format)") }
    } catch let error as PaymentStoreError {
      Glibc.close(lock)
      throw error
    } catch {
      Glibc.close(lock)
      throw .cannotOpen("\(error)")
    }
  }

  /// Closes the file; what is asked for afterwards fails.
  package func close() {
    try? pool.close()
    flock(lock, LOCK_UN)
  }

  deinit { Glibc.close(lock) }

  private static let migrator: DatabaseMigrator = {
    var migrator = DatabaseMigrator()
    migrator.registerMigration("1") { database in
      try database.execute(
        sql: """
          CREATE TABLE payments (
            id TEXT PRIMARY KEY NOT NULL, address TEXT NOT NULL UNIQUE, merchant TEXT NOT NULL,
            state TEXT NOT NULL, expires_at INTEGER NOT NULL, created_at INTEGER NOT NULL,
            body TEXT NOT NULL) STRICT;
          CREATE INDEX payments_by_state ON payments (state, expires_at);
          CREATE TABLE attempts (
            id INTEGER PRIMARY KEY AUTOINCREMENT, payment TEXT NOT NULL REFERENCES payments (id),
            form TEXT NOT NULL UNIQUE, token TEXT, step TEXT NOT NULL,
            owes_deletion INTEGER NOT NULL,
            started_at INTEGER NOT NULL, body TEXT NOT NULL) STRICT;
          CREATE INDEX attempts_by_payment ON attempts (payment, id);
          CREATE INDEX attempts_by_token ON attempts (token) WHERE token IS NOT NULL;
          CREATE INDEX attempts_under_way ON attempts (id) WHERE step <> 'ended';
          CREATE INDEX attempts_owing ON attempts (id) WHERE owes_deletion = 1;
          CREATE TABLE notifications (
            payment TEXT NOT NULL REFERENCES payments (id), sequence INTEGER NOT NULL,
            merchant TEXT NOT NULL, created_at INTEGER NOT NULL, next_at INTEGER NOT NULL,
            tries INTEGER NOT NULL, ended_at INTEGER, body TEXT NOT NULL,
            PRIMARY KEY (payment, sequence)) STRICT, WITHOUT ROWID;
          CREATE INDEX notifications_due ON notifications (merchant, next_at) WHERE ended_at IS NULL;
          CREATE TABLE answers (
            merchant TEXT NOT NULL, key TEXT NOT NULL, digest TEXT NOT NULL,
            payment TEXT NOT NULL, status INTEGER NOT NULL, body TEXT NOT NULL,
            created_at INTEGER NOT NULL,
            PRIMARY KEY (merchant, key)) STRICT, WITHOUT ROWID;
          CREATE INDEX answers_by_age ON answers (created_at);
          CREATE TABLE kept_cards (
            token TEXT PRIMARY KEY NOT NULL, merchant TEXT NOT NULL, customer TEXT NOT NULL,
            used_at INTEGER NOT NULL, body TEXT NOT NULL) STRICT, WITHOUT ROWID;
          CREATE INDEX kept_cards_of_customer ON kept_cards (merchant, customer, used_at);
          """)
    }
    return migrator
  }()

  /// Reads, as of one moment.
  package func read<Value: Sendable>(
    _ body: @Sendable @escaping (PaymentReading) throws -> Value
  ) async throws -> Value {
    try await pool.read { try body(PaymentReading(database: $0)) }
  }

  /// Writes; when it returns, what was written is on the disk. If `body` throws, nothing of it is.
  package func write<Value: Sendable>(
    _ body: @Sendable @escaping (PaymentWriting) throws -> Value
  ) async throws -> Value {
    try await pool.write { try body(PaymentWriting(database: $0)) }
  }
}

package enum PaymentStoreError: Error, Equatable {
  case cannotOpen(String)
  /// Another page has it open.
  case inUse
  /// A later version of this program has written it.
  case newer
  /// A form has been used before: there is an attempt of it.
  case formUsed
}
