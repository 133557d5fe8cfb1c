import NIOCore
import NIOPosix
import TestNetwork
import Testing

@testable import cadenas_dev

extension EndToEnd {
  /// An acquirer that takes connections and says nothing, for longer than any test waits.
  @Suite(
    .serialized,
    .stage(
      limits: ["acquirer_messages": 8, "acquirer_connect_seconds": 60], HangingBank.add(to:))
  ) struct HangingAcquirerTests {
    @Test func sealingDoesNotWaitForItAndItsPaymentsAreUnknownForGood() async throws {
      try await HangingBank.during { stage, token in
        let request = HangingBank.payment(token, "hanging-bank", key: "sealed")
        let wire = try await stage.connect()
        try await wire.send(request.text)
        try await eventually("the payment is under way") {
          try HangingBank.metric("cadenas_payments_in_flight") == 1
        }
        #expect(try stage.cadenas("seal") == "the service is sealed\n")
        let answer = try await wire.answer()
        expect(answer, 504, "outcome-unknown")
        #expect(try HangingBank.metric("cadenas_payments_in_flight") == 0)
        expect(try await wire.ask(request), 503, "sealed")
        let payment = try #require(answer["payment_id"])
        #expect(try stage.cadenas("unseal") == "the service is serving\n")
        let again = try await wire.ask(request)
        #expect(again.status == 504 && again.body == answer.body)
        let log = try stage.cadenas("audit", "show", "--token", token, "--format", "json")
        let told = log.split(separator: "\n").filter { $0.contains(payment) }
        #expect(told.count { $0.contains(#""outcome":"intent""#) } == 1)
        #expect(told.count { $0.contains(#""outcome":"unknown","reason":"sealed""#) } == 1)
        _ = try stage.cadenas("audit", "verify")
        let paid = try await wire.ask(
          HangingBank.payment(token, "credit-du-nord", key: "afterwards"))
        expect(paid, 200)
      }
    }

    @Test func whatHangsAtOneAcquirerLeavesTheOtherOneItsShare() async throws {
      try await HangingBank.during { stage, token in
        let wires = try await withThrowingTaskGroup(of: Wire.self) { group in
          for index in 0..<8 {
            group.addTask {
              let wire = try await stage.connect()
              try await wire.send(
                HangingBank.payment(token, "hanging-bank", key: "hangs-\(index)").text)
              return wire
            }
          }
          return try await group.reduce(into: []) { $0.append($1) }
        }
        let refused =
          #"cadenas_acquirer_places_refused_total{acquirer="hanging-bank",share="acquirer"}"#
        try await eventually("half of the places are taken, and half of the payments refused") {
          try HangingBank.metric("cadenas_payments_in_flight") == 4
            && HangingBank.metric(refused) == 4
        }
        for index in 0..<20 {
          let paid = try await stage.ask(
            HangingBank.payment(token, "credit-du-nord", key: "goes-\(index)"))
          expect(paid, 200)
        }
        let past = HangingBank.payment(token, "hanging-bank", key: "past")
        for _ in 0..<2 {
          let answer = try await stage.ask(past)
          expect(answer, 503, "overloaded")
          #expect(answer.fields["retry-after"] == "1")
        }
        // Nothing was written of it.
        let log = try stage.cadenas("audit", "show", "--token", token, "--format", "json")
        #expect(log.ranges(of: #""outcome":"intent""#).count >= 24)
        #expect(log.ranges(of: #""acquirer":"hanging-bank""#).count { _ in true } >= 4)
        #expect(!log.contains("overloaded"))
        for wire in wires { await wire.close() }
        // Sealing ends what hangs, for the next test.
        _ = try stage.cadenas("seal")
        _ = try stage.cadenas("unseal")
        #expect(try HangingBank.metric("cadenas_payments_in_flight") == 0)
      }
    }
  }

  /// As many payments that hang as no connections could hold, where few may be open at once.
  @Suite(
    .stage(
      limits: [
        "connections": 60, "connections_by_client": 50, "connections_by_merchant": 50,
        "acquirer_messages": 4_096, "acquirer_connect_seconds": 60,
      ], HangingBank.add(to:))
  ) struct ManyHangingPaymentsTests {
    @Test func theyLeaveRoomInSecretMemoryForOthers() async throws {
      try await HangingBank.during { stage, token in
        try Metrics.raiseOpenFiles()
        // At two slots each more than 60 connections and a spare thousand have.
        let count = 600
        for first in stride(from: 0, to: count, by: 40) {
          var wires: [Wire] = []
          for index in first..<first + 40 {
            let wire = try await stage.connect()
            let payment = HangingBank.payment(
              token, "hanging-bank", key: "many-\(index)", fields: #","cvc":"123""#)
            try await wire.send(payment.text)
            wires.append(wire)
          }
          try await eventually("\(first + 40) payments are under way") {
            try HangingBank.metric("cadenas_payments_in_flight") == first + 40
          }
          for wire in wires { await wire.close() }
          try await eventually("their connections have ended") {
            try HangingBank.metric("cadenas_connections") == 0
          }
        }
        for name in ["shop", "other-shop"] {
          let answer = try await stage.ask(.tokenize(TestCard.visa), as: name)
          #expect([200, 201].contains(answer.status))
        }
        expect(try await stage.ask(HangingBank.payment(token, "credit-du-nord", key: "goes")), 200)
        _ = try stage.cadenas("seal")
      }
    }
  }
}

/// An acquirer beside the one that answers, which takes connections and says nothing.
private enum HangingBank {
  /// Adds it to a development configuration.
  static func add(to configuration: String) -> String {
    configuration.replacing(
      """
          acquirers:
            credit-du-nord:
              constants: {merchant_id: "12345678"}

      """,
      with: """
            acquirers:
              credit-du-nord:
                constants: {merchant_id: "12345678"}
              hanging-bank:
                constants: {merchant_id: "12345678"}

        """)
        + """
          hanging-bank:
            currencies: [EUR]
            push:
              template: acquirers/simulator.yaml
              url: https://127.0.0.1:1
              tls: {ca: pki/acquirer-ca.pem, server_name: localhost}

        """
  }

  /// Has the vault send payments to `hanging-bank` at a port where nobody answers, for as long as `body`
  /// runs.
  static func during(_ body: (Stage, String) async throws -> Void) async throws {
    let stage = try Stage.current
    let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .bind(host: "127.0.0.1", port: 0).get()
    let port = try #require(listener.localAddress?.port)
    let silent = Endpoint(host: "127.0.0.1", port: port)
    try stage.configure {
      (try? ConfigurationEdit.setAcquirer("hanging-bank", url: silent.url, in: $0)) ?? $0
    }
    try await stage.reload()
    try await body(stage, try await stage.token(of: TestCard.visa))
    try await listener.close()
  }

  static func payment(
    _ token: String, _ acquirer: String, key: String, fields: String = ""
  ) -> WireRequest {
    let amount = #"{"value":4990,"currency":"EUR"}"#
    let body = #"{"acquirer":"\#(acquirer)","amount":\#(amount)\#(fields)}"#
    return .push(token, body: body, key: key)
  }

  static func metric(_ name: String) throws -> Int {
    let line = try Stage.current.cadenas("metrics").split(separator: "\n").first {
      $0.hasPrefix(name + " ")
    }
    return line.flatMap { Int($0.dropFirst(name.count + 1)) } ?? 0
  }
}
