import Foundation
import GRDB
import PaymentStore
import Payments
import TestSupport
import Testing

@Suite struct PaymentStoreTests {
  private static func payment(_ id: String, expiresAt: Milliseconds = 1_000) -> Payment {
    Payment(
      id: id, address: "address-\(id)", merchant: "shop", reference: "order", amount: 4_990,
      currency: "EUR", returnURL: "https://shop.example/", createdAt: 0, expiresAt: expiresAt)
  }

  @Test func whatWasWrittenIsThereWhenItIsOpenedAgain() async throws {
    let place = try TemporaryDirectory()
    let directory = place.path
    let path = "\(directory)/payments.sqlite"
    var payment = Self.payment("pp_1")
    payment.items = [Payment.Item(label: "Écharpe", quantity: 2, amount: 4_990)]
    let written = payment
    let store = try PaymentStore(path: path)
    try await store.write { try $0.insert(written) }
    store.close()
    let again = try PaymentStore(path: path)
    #expect(try await again.read { try $0.payment("pp_1") } == written)
    #expect(try await again.read { try $0.payment(at: "address-pp_1") } == written)
    again.close()
    withExtendedLifetime(place) {}
  }

  @Test func aFormMakesOneAttempt() async throws {
    let place = try TemporaryDirectory()
    let directory = place.path
    let store = try PaymentStore(path: "\(directory)/payments.sqlite")
    let payment = Self.payment("pp_1")
    let attempt = Attempt(payment: "pp_1", form: "form", method: .card, startedAt: 0)
    try await store.write { writing in
      try writing.insert(payment)
      _ = try writing.insert(attempt)
    }
    await #expect(throws: PaymentStoreError.formUsed) {
      try await store.write { _ = try $0.insert(attempt) }
    }
    #expect(try await store.read { try $0.attempts(of: "pp_1").count } == 1)
    store.close()
    withExtendedLifetime(place) {}
  }

  @Test func notificationsOfAPaymentGoOneAfterTheOther() async throws {
    let place = try TemporaryDirectory()
    let directory = place.path
    let store = try PaymentStore(path: "\(directory)/payments.sqlite")
    try await store.write { writing in
      for id in ["pp_1", "pp_2"] {
        var payment = Self.payment(id)
        try writing.insert(payment)
        for sequence in 1...3 {
          payment.sequence = sequence
          try writing.notify(payment, body: "{}", at: Milliseconds(sequence))
        }
      }
    }
    let due = try await store.read { try $0.notifications(of: "shop", dueAt: 10, limit: 10) }
    #expect(due.map(\.sequence) == [1, 1])
    // The first is to be tried again later; the others wait for it.
    try await store.write { try $0.tried(due[0], next: 500, at: 10) }
    let left = try await store.read { try $0.notifications(of: "shop", dueAt: 10, limit: 10) }
    #expect(left.map(\.payment) == ["pp_2"])
    try await store.write { try $0.tried(due[0], next: nil, at: 600) }
    let next = try await store.read { try $0.notifications(of: "shop", dueAt: 600, limit: 10) }
    #expect(next.first { $0.payment == "pp_1" }?.sequence == 2)
    store.close()
    withExtendedLifetime(place) {}
  }

  /// However many payments were left unsettled, and whatever another merchant owes.
  @Test func eachTokenThatIsNotToStayIsFound() async throws {
    let place = try TemporaryDirectory()
    let store = try PaymentStore(path: "\(place.path)/payments.sqlite")
    try await store.write { writing in
      for number in 0..<102 {
        var payment = Self.payment("pp_\(number)")
        try writing.insert(payment)
        payment.state = number % 2 == 0 ? .pending : .unknown
        try writing.save(payment)
        var attempt = Attempt(
          payment: payment.id, form: "form-\(number)", method: .card, startedAt: 0)
        attempt.token = "tok_\(number)"
        attempt.hasMadeToken = true
        // One was to be kept: the shop may have it approved yet.
        if number == 50 { attempt.consent = Consent(language: "en", at: 0) }
        _ = try writing.insert(attempt)
      }
    }
    let early = try await store.read { try $0.attemptsLeftUnsettled(since: 999, limit: 1_000) }
    #expect(early.isEmpty)
    let left = try await store.read { try $0.attemptsLeftUnsettled(since: 1_000, limit: 1_000) }
    #expect(left.count == 101 && !left.contains { $0.token == "tok_50" })
    try await store.write { writing in
      for var attempt in left {
        attempt.owesDeletion = true
        try writing.save(attempt)
      }
    }
    let none = try await store.read { try $0.attemptsLeftUnsettled(since: 1_000, limit: 1_000) }
    #expect(none.isEmpty)
    let owing = try await store.read { reading in
      try ["shop", "other"].map {
        try reading.attemptsOwingDeletion(merchant: $0, limit: 200).count
      }
    }
    #expect(owing == [101, 0])
    store.close()
    withExtendedLifetime(place) {}
  }

  /// One file has one page, by whatever name.
  @Test func aStoreIsLockedByItsRealPath() throws {
    let place = try TemporaryDirectory()
    let store = try PaymentStore(path: "\(place.path)/payments.sqlite")
    try FileManager.default.createSymbolicLink(
      atPath: "\(place.path)/link.sqlite", withDestinationPath: "payments.sqlite")
    #expect(throws: PaymentStoreError.inUse) {
      try PaymentStore(path: "\(place.path)/link.sqlite")
    }
    store.close()
    withExtendedLifetime(place) {}
  }

  @Test func aStoreOfALaterVersionIsRefused() async throws {
    let place = try TemporaryDirectory()
    let directory = place.path
    let path = "\(directory)/payments.sqlite"
    try PaymentStore(path: path).close()
    let file = try DatabaseQueue(path: path)
    try await file.write { try $0.execute(sql: "PRAGMA user_version = 99") }
    try file.close()
    #expect(throws: PaymentStoreError.newer) { try PaymentStore(path: path) }
    withExtendedLifetime(place) {}
  }
}
