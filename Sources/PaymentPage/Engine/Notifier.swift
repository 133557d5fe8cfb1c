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

  init(_ engine: PaymentEngine) { self.engine = engine }

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
      Task { [self] in
        var isTaken = false
        do { isTaken = try await send(notification) } catch {
          engine.logger.error(
            "a notification is not noted", metadata: ["cause": "\(type(of: error))"])
        }
        _ = sending.withLock { $0.removeValue(forKey: notification.payment) }
        // The next change of the same payment need not wait for the clock.
        if isTaken { try? await tick() }
      }
    }
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
    let isOver = isTaken || end - notification.createdAt > Self.longest
    let next = isOver ? nil : end + Self.pause(afterTries: notification.tries)
    try await engine.store.write { try $0.tried(notification, next: next, at: end) }
    return isTaken
  }
}
