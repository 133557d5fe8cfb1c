import TestNetwork
import Testing

@testable import cadenas_dev

extension EndToEnd {
  /// Several clients of one merchant: a payment page, the shop's back office, a privacy desk.
  @Suite(
    .stage {
      $0.replacing(
        #"clients: ["spiffe://shop.example/checkout"]"#,
        with: """
          clients:
                - "spiffe://shop.example/checkout"
                - {id: "spiffe://shop.example/page", operations: [tokenize, detokenize, delete]}
                - {id: "spiffe://shop.example/office", operations: [detokenize]}
                - {id: "spiffe://shop.example/desk", operations: [delete]}
                - {id: "spiffe://shop.example/kiosk", quotas: {tokenize_per_minute: 2}}
          """)
    }) struct ClientRightsTests
  {
    private let stage: Stage

    init() throws {
      stage = try Stage.current
      for name in ["page", "office", "desk", "kiosk"] { try issue(name) }
    }

    /// Makes a certificate of another client of the shop.
    private func issue(_ name: String) throws {
      let folder = "\(stage.directory)/pki"
      guard !DevelopmentFiles.exists("\(folder)/\(name).pem") else { return }
      let recipe = """
        set -e
        openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -subj /CN=\(name) \
          -keyout \(name).key -out \(name).csr
        printf 'basicConstraints=critical,CA:FALSE\\nkeyUsage=critical,digitalSignature\\n' > \(name).ext
        printf 'extendedKeyUsage=clientAuth\\n' >> \(name).ext
        printf 'subjectAltName=URI:spiffe://shop.example/\(name)\\n' >> \(name).ext
        openssl x509 -req -in \(name).csr -CA ca.pem -CAkey ca.key -days 20 -extfile \(name).ext \
          -out \(name).part
        mv \(name).part \(name).pem
        """
      try ChildProcess.run(["sh", "-c", recipe], directory: folder)
    }

    private func expect(
      _ answer: WireAnswer, isPermitted: Bool, _ good: [Int], _ what: String,
      sourceLocation: SourceLocation = #_sourceLocation
    ) {
      if isPermitted {
        #expect(good.contains(answer.status), "\(what): \(answer)", sourceLocation: sourceLocation)
      } else {
        #expect(answer.status == 403, "\(what): \(answer)", sourceLocation: sourceLocation)
        #expect(
          answer["type"] == "urn:cadenas:problem:operation-not-permitted", "\(what)",
          sourceLocation: sourceLocation)
      }
    }

    @Test(arguments: [
      ("page", ["tokenize", "detokenize", "delete"]), ("office", ["detokenize"]),
      ("desk", ["delete"]),
    ])
    func eachMayWhatItsEntrySays(client: String, operations: [String]) async throws {
      let token = try await stage.token(of: TestCard.visa)
      let wire = try await stage.connect(client)
      let tokenizes = operations.contains("tokenize")
      expect(
        try await wire.ask(.tokenize(TestCard.mastercard)), isPermitted: tokenizes, [200, 201],
        "\(client) tokenizes")
      expect(
        try await wire.ask(.tokenize(body: #"{"token":"\#(token)"}"#)), isPermitted: tokenizes,
        [200],
        "\(client) sends a token again")
      expect(
        try await wire.ask(.push(token, amount: 11, key: "rights-\(client)")),
        isPermitted: operations.contains("detokenize"), [200], "\(client) pays")
      expect(
        try await wire.ask(.delete(token)), isPermitted: operations.contains("delete"), [204],
        "\(client) deletes")
      let refused = try stage.cadenas("audit", "show", "--actor", "spiffe://shop.example/\(client)")
        .split(separator: "\n").filter { $0.contains("operation-not-permitted") }
      #expect(refused.count == (tokenizes ? 0 : 3), "\(refused)")
      #expect(try await stage.ask(.tokenize(TestCard.visa)).status < 300, "shop may as before")
    }

    @Test func aRightThatIsTakenAwayIsGoneOnOpenConnections() async throws {
      let token = try await stage.token(of: TestCard.visa)
      let original = try DevelopmentFiles.readText(stage.configuration)
      let wire = try await stage.connect("page")
      expect(
        try await wire.ask(.push(token, amount: 12, key: "taken-1")), isPermitted: true, [200],
        "pays")
      try stage.configure {
        $0.replacing(
          #"page", operations: [tokenize, detokenize, delete]"#,
          with: #"page", operations: [tokenize]"#)
      }
      try await stage.reload()
      expect(
        try await wire.ask(.push(token, amount: 12, key: "taken-2")), isPermitted: false, [], "pays"
      )
      expect(
        try await wire.ask(.tokenize(TestCard.visa)), isPermitted: true, [200], "tokenizes")
      expect(
        try await stage.ask(.push(token, amount: 12, key: "taken-3")), isPermitted: true, [200],
        "shop pays")
      try DevelopmentFiles.write(Array(original.utf8), to: stage.configuration)
      try await stage.reload()
      expect(
        try await wire.ask(.push(token, amount: 12, key: "taken-4")), isPermitted: true, [200],
        "pays")
    }

    @Test func aQuotaOfAClientIsItsOwn() async throws {
      let wire = try await stage.connect("kiosk")
      var statuses: [Int] = []
      for _ in 0..<4 { statuses.append(try await wire.ask(.tokenize(TestCard.visa)).status) }
      #expect(statuses.prefix(2).allSatisfy { $0 < 300 } && statuses.suffix(2) == [429, 429])
      #expect(try await stage.ask(.tokenize(TestCard.visa)).status == 200)
    }
  }
}
