import Logging
import PaymentStore
import Payments
import Synchronization

/// Tells shops what has changed, each payment's changes in their order, until it is answered with 2xx, for
/// three days.
final class Notifier: Sendable {
  let engine: PaymentEngine
  /// Payments of which one is being sent now, and their shops.
  private let sending = Mutex<[String: String]>([:])

  static let longest: Milliseconds = 3 * 86_400_000
  /// How many are sent at a time, of all shops and of one.
  private static let most = 64
  private static let mostOfOne = 16

  /// When it was said last of a shop that it does not take them.
  private let warned = Mutex<[String: Milliseconds]>([:])

  init(_ engine: PaymentEngine) { self.engine = engine }

  /// Says, once a minute for each shop, that it does not take what it is told.
  private func warn(_ notification: ShopNotification, at now: Milliseconds) {
    let isNews = warned.withLock { warned in
      guard now - warned[notification.merchant, default: 0] > 60_000 else { return false }
      warned[notification.merchant] = now
      return true
    }
    guard isNews else { return }
    engine.logger.warning(
      "a shop does not take a notification",
      metadata: [
        "merchant": "\(notification.merchant)", "payment": "\(notification.payment)",
        "tries": "\(notification.tries + 1)",
      ])
  }

  /// The pause after so many tries: from a second to an hour.
  static func pause(afterTries tries: Int) -> Milliseconds {
    tries < 12 ? min(1_000 << Milliseconds(tries), 3_600_000) : 3_600_000
  }

  /// Sends what is due, to each shop its share.
  func tick() async throws {
    let now = engine.now()
    let shops = Array(engine.merchants.keys)
    let due = try await engine.store.read { reading in
      try shops.flatMap {
        try reading.notifications(of: $0, dueAt: now, limit: 4 * Self.mostOfOne)
      }
    }
    for notification in due {
      let isFree = sending.withLock { sending in
        let ofShop = sending.count { $0.value == notification.merchant }
        guard sending.count < Self.most, ofShop < Self.mostOfOne,
          sending[notification.payment] == nil
        else { return false }
        sending[notification.payment] = notification.merchant
        return true
      }
      guard isFree else { continue }
      let payment = notification.payment
      Task { [self] in
        do {
          // One after the other, each read when the one before is settled.
          while let next = try await nextDue(of: payment), try await send(next) {}
        } catch {
          engine.logger.error(
            "a notification is not noted", metadata: ["cause": "\(type(of: error))"])
        }
        _ = sending.withLock { $0.removeValue(forKey: payment) }
      }
    }
  }

  private func nextDue(of payment: String) async throws -> ShopNotification? {
    let now = engine.now()
    return try await engine.store.read { try $0.notification(of: payment, dueAt: now) }
  }

  private func send(_ notification: ShopNotification) async throws -> Bool {
    let now = engine.now()
    guard let merchant = engine.merchants[notification.merchant], let client = merchant.notifier,
      let signature = merchant.signature
    else {
      try await engine.store.write { try $0.tried(notification, next: nil, at: now) }
      return true
    }
    let body = Array(notification.body.utf8)
    let isTaken = await client.send(
      body, signature: try signature.header(body, unixSeconds: now / 1_000))
    engine.figures.count { isTaken ? ($0.notifications += 1) : ($0.failedNotifications += 1) }
    let end = engine.now()
    if !isTaken { warn(notification, at: end) }
    let isOver = isTaken || end - notification.createdAt > Self.longest
    let next = isOver ? nil : end + Self.pause(afterTries: notification.tries)
    try await engine.store.write { try $0.tried(notification, next: next, at: end) }
    return isTaken
  }
}
