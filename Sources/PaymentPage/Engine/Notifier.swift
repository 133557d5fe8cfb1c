import Logging
import PaymentStore
import Payments
import Synchronization

/// Tells shops what has changed, each payment's changes in their order, until it is answered with 2xx, for
/// three days.
final class Notifier: Sendable {
  let engine: PaymentEngine

  private struct Sending {
    /// Payments of which one is being sent now, and their shops.
    var shops: [String: String] = [:]
    var isStopping = false

    func room(of shop: String) -> Int { Notifier.mostOfOne - shops.count { $0.value == shop } }
  }

  private let sending = Mutex(Sending())

  static let longest: Milliseconds = 3 * 86_400_000
  /// How many are sent to one shop at a time; those that are slow take nothing from others.
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

  /// Sends what is due, to each shop its share. Who has ended one takes the shop's next.
  func tick() async throws {
    for shop in engine.merchants.keys {
      while let payment = try await take(of: shop) {
        Task { [self] in await work(payment, shop) }
      }
    }
  }

  /// No more is taken; what is not told yet is told after the next start.
  func stop() { sending.withLock { $0.isStopping = true } }

  private func work(_ first: String, _ shop: String) async {
    var current: String? = first
    while let payment = current {
      do {
        // One after the other, each read when the one before is settled.
        while let next = try await nextDue(of: payment), try await send(next) {}
        release(payment)
        current = try await take(of: shop)
      } catch {
        engine.logger.error(
          "a notification is not noted", metadata: ["cause": "\(type(of: error))"])
        release(payment)
        return
      }
    }
  }

  /// A payment of which a notification is due and nobody sends one, where the shop's share has room.
  private func take(of shop: String) async throws -> String? {
    guard sending.withLock({ !$0.isStopping && $0.room(of: shop) > 0 }) else { return nil }
    let now = engine.now()
    // One more than are being sent.
    let due = try await engine.store.read {
      try $0.notifications(of: shop, dueAt: now, limit: Self.mostOfOne + 1)
    }
    return sending.withLock { sending in
      guard !sending.isStopping, sending.room(of: shop) > 0,
        let found = due.first(where: { sending.shops[$0.payment] == nil })
      else { return nil }
      sending.shops[found.payment] = shop
      return found.payment
    }
  }

  private func release(_ payment: String) {
    _ = sending.withLock { $0.shops.removeValue(forKey: payment) }
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
