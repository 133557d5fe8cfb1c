import NIOCore
import NIOHTTP1
import Testing

@testable import cadenas_dev

extension HTTPAnswer {
  /// The body as text.
  fileprivate var text: String { String(decoding: body, as: UTF8.self) }
}

@Suite struct DevSimulatorServerTests {
  private static func message(_ identifier: String, amount: Int) -> String {
    """
    {"payment_id":"\(identifier)","merchant_id":"12345678",\
    "amount":{"value":\(amount),"currency":"EUR"},\
    "card":{"pan":"4970105181818183","expiry_month":"11","expiry_year":"2099"}}
    """
  }

  private static func withSimulator(
    _ body: (SimulatorServer, TLSMaterial) throws -> Void
  ) throws {
    try withScratchDirectory { directory in
      try DevelopmentPKI.make(in: directory)
      let material = TLSMaterial(directory: directory)
      let server = try SimulatorServer.start(
        on: Endpoint(host: "127.0.0.1", port: 0), with: material, desk: AuthenticationDesk(),
        log: { _ in })
      defer { server.channel.close(promise: nil) }
      try body(server, material)
    }
  }

  @Test func everyMessageCountsOnceWhateverBecomesOfIt() throws {
    try Self.withSimulator { server, material in
      let client = try HTTPSClient(
        to: server.endpoint, as: "vault-client", of: material, trusting: "acquirer-ca")
      let approved = try client.send(
        .POST, "/v1/payments", body: Self.message("pay_a", amount: 4990))
      #expect(approved.status == 200)
      #expect(approved.text.contains(#""status":"APPROVED","response_code":"00""#))

      let rejected = try client.send(
        .POST, "/v1/payments", body: Self.message("pay_b", amount: 100_007))
      #expect(rejected.status == 400)
      #expect(rejected.text.contains(#""code":"INVALID_REQUEST""#))

      #expect(throws: DevelopmentError.self) {
        try client.send(.POST, "/v1/payments", body: Self.message("pay_c", amount: 100_011))
      }
      let malformed = try client.send(.POST, "/v1/payments", body: #"{"payment_id":"pay_d"}"#)
      #expect(malformed.status == 400)

      let received = try client.send(.GET, "/received")
      #expect(
        received.text == #"{"count":4,"payment_ids":["pay_a","pay_b","pay_c","pay_d"]}"#)
    }
  }

  @Test func aCertificateOfAnotherAuthorityIsRefused() throws {
    try Self.withSimulator { server, material in
      for name in ["shop", "impostor", "stranger"] {
        let client = try HTTPSClient(
          to: server.endpoint, as: name, of: material, trusting: "acquirer-ca")
        #expect(throws: DevelopmentError.self, "\(name)") { try client.send(.GET, "/received") }
      }
      let acquirer = try HTTPSClient(
        to: server.endpoint, as: "acquirer", of: material, trusting: "acquirer-ca")
      #expect(try acquirer.send(.GET, "/received").status == 200)
    }
  }

  @Test func theCardIsEchoedOnlyForTheAmountThatAsksForIt() throws {
    try Self.withSimulator { server, material in
      let client = try HTTPSClient(
        to: server.endpoint, as: "vault-client", of: material, trusting: "acquirer-ca")
      for amount in [4990, 100_001, 100_006, 100_007, 100_008, 100_009, 100_012] {
        let answer = try client.send(
          .POST, "/v1/payments", body: Self.message("pay_\(amount)", amount: amount))
        #expect(answer.text.contains("4970105181818183") == (amount == 100_009))
      }
    }
  }
}
