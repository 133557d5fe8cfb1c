import Logging
import PaymentStore
import Payments
import Synchronization

/// Tells shops what has changed, each payment's changes in their order, until it is answered with 2xx, for
/// three days.
final class Notifier: Sendable {
  let engine: PaymentEngine
  /// Payments of which one is being sent now.
  private let sending = Mutex<Set<String>>([])

  static let longest: Milliseconds = 3 * 86_400_000
  /// How many are sent at a time, of all shops and of one.
  private static let most = 64
  private static let mostOfOne = 16

  init(_ engine: PaymentEngine) { self.engine = engine }

  /// The pause after so many tries: from a second to an hour.
  static func pause(afterTries tries: Int) -> Milliseconds {
    tries < 12 ? min(1_000 << Milliseconds(tries), 3_600_000) : 3_600_000
  }

  /// Sends what is due.
  func tick() async throws {
    let now = engine.now()
    let due = try await engine.store.read { try $0.notifications(dueAt: now, limit: 256) }
    var byShop: [String: Int] = [:]
    for notification in due {
      byShop[notification.merchant, default: 0] += 1
      guard byShop[notification.merchant, default: 0] <= Self.mostOfOne else { continue }
      let isFree = sending.withLock { sending in
        sending.count < Self.most && sending.insert(notification.payment).inserted
      }
      guard isFree else { continue }
      Task { [self] in
        do { try await send(notification) } catch {
          engine.logger.error(
            "a notification is not noted", metadata: ["cause": "\(type(of: error))"])
        }
        _ = sending.withLock { $0.remove(notification.payment) }
      }
    }
  }

  private func send(_ notification: ShopNotification) async throws {
    let now = engine.now()
    guard let merchant = engine.merchants[notification.merchant], let client = merchant.notifier,
      let signature = merchant.signature
    else {
      return try await engine.store.write { try $0.tried(notification, next: nil, at: now) }
    }
    let body = Array(notification.body.utf8)
    let isTaken = await client.send(
      body, signature: try signature.header(body, unixSeconds: now / 1_000))
    engine.figures.count { isTaken ? ($0.notifications += 1) : ($0.failedNotifications += 1) }
    let end = engine.now()
    let isOver = isTaken || end - notification.createdAt > Self.longest
    let next = isOver ? nil : end + Self.pause(afterTries: notification.tries)
    try await engine.store.write { try $0.tried(notification, next: next, at: end) }
    if isTaken { try await tickOnce(after: notification) }
  }

  /// The next change of the same payment need not wait for the clock.
  private func tickOnce(after notification: ShopNotification) async throws {
    _ = sending.withLock { $0.remove(notification.payment) }
    try await tick()
  }
}
