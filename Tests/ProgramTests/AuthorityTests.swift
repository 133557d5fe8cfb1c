import TestNetwork
import Testing

@testable import cadenas_dev

extension EndToEnd {
  /// Authorities and revocation lists as other people make them, with a client that nobody here wrote.
  @Suite(.stage) struct AuthorityTests {
    private static let recipe = """
      set -e
      key="-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
      root() {
        openssl req -x509 $key -keyout $1.key -out $1.pem -days 30 -subj /CN=$1 \
          -addext keyUsage=critical,keyCertSign,cRLSign
      }
      issue() { # name, issuer, serial, extensions
        openssl req $key -keyout $1.key -out $1.csr -subj /CN=$1
        printf "$4" > $1.ext
        openssl x509 -req -in $1.csr -CA $2.pem -CAkey $2.key -set_serial $3 -days 20 \
          -extfile $1.ext -out $1.pem
      }
      list() { # issuer, file, certificates that it names
        issuer=$1; file=$2; shift 2
        : > $file.index; echo 01 > $file.number
        printf "[ca]\\ndefault_ca=l\\n[l]\\ndatabase=$file.index\\ncrlnumber=$file.number\\n" > $file.cnf
        printf "default_md=sha256\\n" >> $file.cnf
        for one in "$@"; do
          openssl ca -config $file.cnf -cert $issuer.pem -keyfile $issuer.key -revoke $one.pem
        done
        openssl ca -config $file.cnf -gencrl -cert $issuer.pem -keyfile $issuer.key -crldays 20 \
          -out $file.crl
      }
      authority="basicConstraints=critical,CA:TRUE\\nkeyUsage=critical,keyCertSign,cRLSign\\n"
      client="basicConstraints=CA:FALSE\\nkeyUsage=critical,digitalSignature\\n"
      client="${client}extendedKeyUsage=clientAuth\\n"
      client="${client}subjectAltName=URI:spiffe://other-shop.example/checkout\\n"
      root top; root new
      issue issuing top 2 "$authority"
      issue old-client issuing 3 "$client"
      issue new-client new 4 "$client"
      cat issuing.pem new.pem > both.pem
      list issuing empty; list issuing revoking old-client; list top above issuing
      cat empty.crl revoking.crl > several.crl
      openssl req -x509 $key -keyout twin.key -out twin.pem -days 30 -subj /CN=issuing
      list twin forged
      """

    /// What `openssl s_client` shows of one tokenize request as `name`.
    private func ask(
      _ stage: Stage, as name: String, sending chain: String? = nil, session: String = ""
    ) throws -> String {
      let body = #"{"number":"4111111111111111","exp_month":12,"exp_year":2028}"#
      let request =
        "POST /v1/tokens HTTP/1.1\\r\\nHost: x\\r\\nContent-Type: application/json\\r\\n"
        + "Content-Length: \(body.utf8.count)\\r\\nConnection: close\\r\\n\\r\\n\(body)"
      let command =
        "printf '\(request)' | openssl s_client -connect \(try stage.running.vault) -tls1_3 -ign_eof "
        + "-cert \(name).pem -key \(name).key \(chain.map { "-cert_chain \($0)" } ?? "") \(session) "
        + "-CAfile ../pki/ca.pem 2>&1 || true"
      return try ChildProcess.run(["sh", "-c", command], directory: folder(stage))
    }

    private func folder(_ stage: Stage) -> String { "\(stage.directory)/tiers" }

    /// Gives `other-shop` other authorities and lists.
    private func configure(
      _ stage: Stage, _ original: String, authorities: String, lists: String?
    ) async throws {
      let list = lists.map { "\n    client_crl: \($0)" } ?? ""
      let parts = original.split(separator: "  other-shop:", maxSplits: 1)
      let changed = parts[1].replacing(
        "client_ca: pki/ca.pem\n    client_crl: pki/ca.crl",
        with: "client_ca: \(authorities)\(list)",
        maxReplacements: 1)
      try DevelopmentFiles.write(
        Array((parts[0] + "  other-shop:" + changed).utf8), to: stage.configuration)
      try await stage.reload()
    }

    /// Whether `s_client` shows that the request was served.
    private func expectServed(
      _ shown: String, _ expected: Bool = true,
      sourceLocation: SourceLocation = #_sourceLocation
    ) {
      let isServed = shown.contains("HTTP/1.1 201") || shown.contains("HTTP/1.1 200")
      #expect(isServed == expected, "\(shown.suffix(2_000))", sourceLocation: sourceLocation)
    }

    @Test func issuingAuthoritiesRootsAndSeveralAtOnceVouch() async throws {
      let stage = try Stage.current
      let original = try DevelopmentFiles.readText(stage.configuration)
      let folder = folder(stage)
      try ChildProcess.run(["mkdir", folder])
      try ChildProcess.run(["sh", "-c", Self.recipe], directory: folder)
      // An issuing authority, whether its client sends it or not.
      try await configure(stage, original, authorities: "tiers/issuing.pem", lists: nil)
      expectServed(try ask(stage, as: "old-client"))
      expectServed(try ask(stage, as: "old-client", sending: "issuing.pem"))
      expectServed(try ask(stage, as: "new-client"), false)
      #expect(try stage.check().contains("no revocation list for CN=issuing"))
      // Its root, if the client sends what stands between; also where a session is resumed.
      try await configure(stage, original, authorities: "tiers/top.pem", lists: nil)
      expectServed(try ask(stage, as: "old-client"), false)
      let first = try ask(
        stage, as: "old-client", sending: "issuing.pem", session: "-sess_out session")
      expectServed(first)
      let resumed = try ask(stage, as: "old-client", session: "-sess_in session")
      expectServed(resumed)
      #expect(resumed.contains("Reused, TLSv1.3"))
      // A list of the root that names the issuing authority.
      try await configure(
        stage, original, authorities: "[tiers/top.pem]", lists: "[tiers/above.crl]")
      expectServed(try ask(stage, as: "old-client", sending: "issuing.pem"), false)
      // Old and new at once, in a file and in a list, each with what takes back its clients.
      for authorities in ["tiers/both.pem", "[tiers/issuing.pem, tiers/new.pem]"] {
        try await configure(stage, original, authorities: authorities, lists: "tiers/empty.crl")
        expectServed(try ask(stage, as: "old-client"))
        expectServed(try ask(stage, as: "new-client"))
        for lists in ["tiers/several.crl", "[tiers/revoking.crl, tiers/empty.crl]"] {
          try await configure(stage, original, authorities: authorities, lists: lists)
          expectServed(try ask(stage, as: "old-client"), false)
          expectServed(try ask(stage, as: "new-client"))
        }
      }
      // An identity of two, where the authority of the one stands above that of the other, or is it.
      try ChildProcess.run(["cp", "issuing.pem", "copy.pem"], directory: folder)
      for upper in ["tiers/top.pem", "tiers/copy.pem"] {
        try await configure(stage, original, authorities: "tiers/issuing.pem", lists: nil)
        try stage.configure {
          $0.replacing(
            "[\"spiffe://shop.example/checkout\"]\n    client_ca: pki/ca.pem",
            with: "[\"spiffe://other-shop.example/checkout\"]\n    client_ca: \(upper)")
        }
        let line = try #require(
          DevelopmentFiles.readText(stage.configuration).split(
            separator: "\n", omittingEmptySubsequences: false
          ).lastIndex { $0.contains("spiffe://other-shop.example/checkout") })
        #expect(
          try stage.check().contains(
            "\(stage.configuration):\(line + 1): \"spiffe://other-shop.example/checkout\" belongs to"
          ))
      }
      // A list that no authority of its issuer's name has signed is named by its file.
      try stage.configure { _ in
        original.replacing(
          "client_ca: pki/ca.pem\n    client_crl: pki/ca.crl",
          with: "client_ca: tiers/issuing.pem\n    client_crl: tiers/forged.crl")
      }
      #expect(
        try stage.check().contains(
          "\(stage.directory)/tiers/forged.crl: cannot be used as a revocation list"))
      try DevelopmentFiles.write(Array(original.utf8), to: stage.configuration)
      try await stage.reload()
    }
  }

  /// A client that is revoked while its request is under way; `shop` is nobody afterwards.
  @Suite(.stage) struct AuthorityRevocationTests {
    @Test func whoIsRevokedBetweenHeadAndBodyIsNotServed() async throws {
      let stage = try Stage.current
      let wire = try await stage.connect()
      let token = try await stage.token(of: TestCard.visa)
      let text = WireRequest.push(token, amount: 4990, key: "late").text
      // The answer to the first request says that the head of the second has been read.
      try await wire.send(WireRequest.tokenize(TestCard.visa).text + text.dropLast(1))
      #expect(try await wire.answer().status == 200)
      let before = try await stage.received().count
      let authorize = ["openssl", "ca", "-config", DevelopmentPKI.recipeName, "-name", "ca"]
      let pki = "\(stage.directory)/pki"
      try ChildProcess.run(authorize + ["-revoke", "shop.pem"], directory: pki)
      try ChildProcess.run(authorize + ["-gencrl", "-out", "ca.crl"], directory: pki)
      // One merchant alone names the list: it protects the others of its authority.
      let original = try DevelopmentFiles.readText(stage.configuration)
      let bare = original.replacing(
        "client_ca: pki/ca.pem\n    client_crl: pki/ca.crl", with: "client_ca: pki/ca.pem",
        maxReplacements: 1)
      #expect(bare != original)
      try DevelopmentFiles.write(Array(bare.utf8), to: stage.configuration)
      try await stage.reload()
      let check = try stage.check()
      #expect(check.contains("by merchant \"other-shop\", and without one by merchant \"shop\""))
      try? await wire.send(String(text.suffix(1)))
      #expect(try await wire.untilClosed() == "")
      #expect(try await stage.received().count == before)
    }
  }
}

extension Stage {
  /// What `cadenas check` says, whatever it found.
  fileprivate func check() throws -> String {
    let command = "\(programs.vault) check --config \(configuration) || true"
    return try ChildProcess.run(["sh", "-c", command])
  }
}
