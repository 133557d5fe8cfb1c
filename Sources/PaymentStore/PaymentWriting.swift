import Foundation
import GRDB
package import Payments

/// What a transaction can write; it reads what it has written.
package struct PaymentWriting {
  let database: Database

  package var reading: PaymentReading { PaymentReading(database: database) }

  package func insert(_ payment: Payment) throws {
    try database.execute(
      sql: """
        INSERT INTO payments (id, address, merchant, state, expires_at, created_at, body)
        VALUES (?, ?, ?, ?, ?, ?, ?)
        """,
      arguments: [
        payment.id, payment.address, payment.merchant, payment.state.rawValue, payment.expiresAt,
        payment.createdAt, try encode(payment),
      ])
  }

  package func save(_ payment: Payment) throws {
    try database.execute(
      sql: "UPDATE payments SET state = ?, expires_at = ?, body = ? WHERE id = ?",
      arguments: [payment.state.rawValue, payment.expiresAt, try encode(payment), payment.id])
  }

  /// Notes an attempt before anything is done for it.
  /// - Throws: ``PaymentStoreError/formUsed``.
  package func insert(_ attempt: Attempt) throws -> Attempt {
    do {
      try database.execute(
        sql: """
          INSERT INTO attempts (payment, form, token, step, owes_deletion, started_at, body)
          VALUES (?, ?, ?, ?, ?, ?, ?)
          """,
        arguments: [
          attempt.payment, attempt.form, attempt.token, attempt.step.rawValue, attempt.owesDeletion,
          attempt.startedAt, try encode(attempt),
        ])
    } catch let error as DatabaseError where error.resultCode == .SQLITE_CONSTRAINT {
      throw PaymentStoreError.formUsed
    }
    var attempt = attempt
    attempt.id = database.lastInsertedRowID
    return attempt
  }

  package func save(_ attempt: Attempt) throws {
    try database.execute(
      sql: "UPDATE attempts SET token = ?, step = ?, owes_deletion = ?, body = ? WHERE id = ?",
      arguments: [
        attempt.token, attempt.step.rawValue, attempt.owesDeletion, try encode(attempt), attempt.id,
      ])
  }

  /// Has a shop told of a payment.
  package func notify(_ payment: Payment, body: String, at now: Milliseconds) throws {
    try database.execute(
      sql: """
        INSERT INTO notifications (payment, sequence, merchant, created_at, next_at, tries, body)
        VALUES (?, ?, ?, ?, ?, 0, ?)
        """, arguments: [payment.id, payment.sequence, payment.merchant, now, now, body])
  }

  /// A notification was tried: again at `next`, or never again where that is nil.
  package func tried(
    _ notification: ShopNotification, next: Milliseconds?, at now: Milliseconds
  ) throws {
    try database.execute(
      sql: """
        UPDATE notifications SET tries = tries + 1, next_at = ?, ended_at = ?
        WHERE payment = ? AND sequence = ? AND ended_at IS NULL
        """,
      arguments: [
        next ?? now, next == nil ? now : nil, notification.payment, notification.sequence,
      ])
  }

  package func keep(
    _ answer: KeptAnswer, merchant: String, key: String, payment: String, at now: Milliseconds
  ) throws {
    try database.execute(
      sql: """
        INSERT OR REPLACE INTO answers (merchant, key, digest, payment, status, body, created_at)
        VALUES (?, ?, ?, ?, ?, ?, ?)
        """,
      arguments: [merchant, key, answer.digest, payment, answer.status, answer.body, now])
  }

  /// Forgets answers that were given before `time`.
  package func forgetAnswers(before time: Milliseconds) throws {
    try database.execute(sql: "DELETE FROM answers WHERE created_at < ?", arguments: [time])
  }

  package func keep(
    _ card: CardView, token: String, merchant: String, customer: String, at now: Milliseconds
  ) throws {
    try database.execute(
      sql: """
        INSERT INTO kept_cards (token, merchant, customer, used_at, body) VALUES (?, ?, ?, ?, ?)
        ON CONFLICT (token) DO UPDATE SET used_at = excluded.used_at, body = excluded.body
        """, arguments: [token, merchant, customer, now, try encode(card)])
  }

  package func forgetCard(token: String) throws {
    try database.execute(sql: "DELETE FROM kept_cards WHERE token = ?", arguments: [token])
  }
}

private func encode(_ value: some Encodable) throws -> String {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
  return String(decoding: try encoder.encode(value), as: UTF8.self)
}
