import Foundation
import GRDB
package import Payments

/// What a transaction can read.
package struct PaymentReading {
  let database: Database

  package func payment(_ id: String) throws -> Payment? {
    try decode(
      String.fetchOne(database, sql: "SELECT body FROM payments WHERE id = ?", arguments: [id]))
  }

  package func payment(at address: String) throws -> Payment? {
    try decode(
      String.fetchOne(
        database, sql: "SELECT body FROM payments WHERE address = ?", arguments: [address]))
  }

  /// The attempts of a payment, the first one first.
  package func attempts(of payment: String) throws -> [Attempt] {
    try attempts("payment = ? ORDER BY id", [payment])
  }

  package func attempt(_ id: Int64) throws -> Attempt? {
    try attempts("id = ?", [id]).first
  }

  package func attempt(ofForm form: String) throws -> Attempt? {
    try attempts("form = ?", [form]).first
  }

  /// Those that had not ended when the program did.
  package func attemptsUnderWay() throws -> [Attempt] {
    try attempts("step <> 'ended' ORDER BY id", [])
  }

  /// Those of a merchant whose token is to be deleted.
  package func attemptsOwingDeletion(merchant: String, limit: Int) throws -> [Attempt] {
    try attempts(
      """
      owes_deletion = 1 AND payment IN (SELECT id FROM payments WHERE merchant = ?)
      ORDER BY id LIMIT ?
      """, [merchant, limit])
  }

  /// Those that have made a token that was not to be kept, of payments that nobody has settled and whose time
  /// was over at `time`: each but once, since it is noted that the token is owed.
  package func attemptsLeftUnsettled(since time: Milliseconds, limit: Int) throws -> [Attempt] {
    try attempts(
      """
      owes_deletion = 0 AND token IS NOT NULL AND payment IN (
        SELECT id FROM payments WHERE state IN ('pending', 'unknown') AND expires_at <= ?)
      AND json_extract(body, '$.hasMadeToken') AND json_extract(body, '$.consent') IS NULL
      LIMIT ?
      """, [time, limit])
  }

  /// Payments in a state that are past their time, the oldest first.
  package func payments(
    in state: PaymentState, expiredAt now: Milliseconds, limit: Int
  ) throws -> [Payment] {
    try String.fetchAll(
      database,
      sql:
        "SELECT body FROM payments WHERE state = ? AND expires_at <= ? ORDER BY expires_at LIMIT ?",
      arguments: [state.rawValue, now, limit]
    ).compactMap { try decode($0) }
  }

  /// How many payments there are in each state.
  package func counts() throws -> [PaymentState: Int] {
    var counts: [PaymentState: Int] = [:]
    let rows = try Row.fetchAll(
      database, sql: "SELECT state, count(*) AS n FROM payments GROUP BY state")
    for row in rows {
      guard let state = PaymentState(rawValue: row["state"]) else { continue }
      counts[state] = row["n"]
    }
    return counts
  }

  /// How many notifications have not been answered.
  package func waitingNotifications() throws -> Int {
    try Int.fetchOne(
      database, sql: "SELECT count(*) FROM notifications WHERE ended_at IS NULL") ?? 0
  }

  package func tokensOwed() throws -> Int {
    try Int.fetchOne(
      database, sql: "SELECT count(*) FROM attempts WHERE owes_deletion = 1") ?? 0
  }

  /// How many tokens the vault may hold that a crash has hidden from the page.
  package func hiddenTokens() throws -> Int {
    try Int.fetchOne(
      database, sql: "SELECT count(*) FROM attempts WHERE json_extract(body, '$.mayHideToken') = 1")
      ?? 0
  }

  /// The notifications of a shop that may be sent now: of each payment the first that is not answered.
  package func notifications(
    of merchant: String, dueAt now: Milliseconds, limit: Int
  ) throws -> [ShopNotification] {
    try Row.fetchAll(
      database,
      sql: """
        SELECT payment, sequence, merchant, created_at, tries, body FROM notifications AS n
        WHERE ended_at IS NULL AND merchant = ? AND next_at <= ? AND NOT EXISTS (
          SELECT 1 FROM notifications AS before WHERE before.payment = n.payment
          AND before.sequence < n.sequence AND before.ended_at IS NULL)
        ORDER BY next_at LIMIT ?
        """, arguments: [merchant, now, limit]
    ).map {
      ShopNotification(
        payment: $0["payment"], sequence: $0["sequence"], merchant: $0["merchant"],
        createdAt: $0["created_at"], tries: $0["tries"], body: $0["body"])
    }
  }

  /// The first notification of a payment that is not answered, if it may be sent now.
  package func notification(of payment: String, dueAt now: Milliseconds) throws -> ShopNotification?
  {
    let row = try Row.fetchOne(
      database,
      sql: """
        SELECT payment, sequence, merchant, created_at, next_at, tries, body FROM notifications
        WHERE payment = ? AND ended_at IS NULL ORDER BY sequence LIMIT 1
        """, arguments: [payment])
    guard let row, row["next_at"] <= now else { return nil }
    return ShopNotification(
      payment: row["payment"], sequence: row["sequence"], merchant: row["merchant"],
      createdAt: row["created_at"], tries: row["tries"], body: row["body"])
  }

  /// The answer that was given under an idempotency key.
  ///
  /// - Parameter time: older ones are forgotten.
  package func answer(
    merchant: String, key: String, since time: Milliseconds = 0
  ) throws -> KeptAnswer? {
    try Row.fetchOne(
      database,
      sql: """
        SELECT digest, status, body FROM answers
        WHERE merchant = ? AND key = ? AND created_at >= ?
        """, arguments: [merchant, key, time]
    ).map { KeptAnswer(digest: $0["digest"], status: $0["status"], body: $0["body"]) }
  }

  /// The cards that a customer of a merchant has kept, the one used last first.
  package func keptCards(merchant: String, customer: String, limit: Int) throws -> [KeptCard] {
    try Row.fetchAll(
      database,
      sql: """
        SELECT token, body FROM kept_cards WHERE merchant = ? AND customer = ?
        ORDER BY used_at DESC LIMIT ?
        """, arguments: [merchant, customer, limit]
    ).compactMap { row in
      try (decode(row["body"] as String) as CardView?).map {
        KeptCard(token: row["token"], card: $0)
      }
    }
  }

  /// Whether a token is a kept card's, or a payment that has not ended may need it: then it is not deleted.
  package func needsToken(_ token: String) throws -> TokenNeed {
    let isKept = try Bool.fetchOne(
      database, sql: "SELECT EXISTS (SELECT 1 FROM kept_cards WHERE token = ?)", arguments: [token])
    if isKept == true { return .kept }
    let isInUse = try Bool.fetchOne(
      database,
      sql: """
        SELECT EXISTS (SELECT 1 FROM attempts JOIN payments ON payments.id = attempts.payment
        WHERE attempts.token = ? AND payments.state IN ('open', 'in_progress'))
        """, arguments: [token])
    return isInUse == true ? .inUse : .none
  }

  private func attempts(_ condition: String, _ arguments: StatementArguments) throws -> [Attempt] {
    try Row.fetchAll(
      database, sql: "SELECT id, body FROM attempts WHERE \(condition)", arguments: arguments
    ).compactMap { row in
      var attempt: Attempt? = try decode(row["body"] as String)
      attempt?.id = row["id"]
      return attempt
    }
  }
}

/// Who needs a token.
package enum TokenNeed: Sendable { case kept, inUse, none }

/// A card that a customer has kept.
package struct KeptCard: Equatable, Sendable {
  package let token: String
  package let card: CardView
}

/// What a shop is told, until it has answered.
package struct ShopNotification: Equatable, Sendable {
  package let payment: String
  package let sequence: Int
  package let merchant: String
  package let createdAt: Milliseconds
  package let tries: Int
  package let body: String
}

/// What was answered under an idempotency key.
package struct KeptAnswer: Equatable, Sendable {
  package let digest: String
  package let status: Int
  package let body: String

  package init(digest: String, status: Int, body: String) {
    self.digest = digest
    self.status = status
    self.body = body
  }
}

private func decode<Value: Decodable>(_ text: String?) throws -> Value? {
  guard let text else { return nil }
  return try JSONDecoder().decode(Value.self, from: Data(text.utf8))
}
