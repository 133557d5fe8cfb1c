import Testing

@testable import cadenas
@testable import cadenas_dev

/// Certificates of `cadenas-dev pki` are for throwaway installations.
@Suite struct DevelopmentCheckTests {
  @Test func `they are told where cards are real, each with what it means`() throws {
    try withScratchDirectory { directory in
      let house = try DevelopmentHouse(directory)
      #expect(try DevelopmentCheck(house.configuration(), house.parts()).run().isEmpty)
      try house.write(
        DevelopmentHouse.fresh.replacing("development: true", with: "development: false"))
      let findings = try DevelopmentCheck(house.configuration(), house.parts()).run()
      #expect(findings.allSatisfy { $0.severity == .error && $0.remedy != nil })
      #expect(
        Set(findings.map { String($0.text.prefix { $0 != ":" }) }) == [
          "the clients' authority O=Cadenas development, CN=Development CA is of cadenas-dev pki",
          "the clients' authority O=Cadenas development, CN=Development acquirer CA is of cadenas-dev pki",
          "the server's certificate is of cadenas-dev pki",
          "the authority of the acquirer credit-du-nord is of cadenas-dev pki",
          "the certificate shown to the acquirer credit-du-nord is of cadenas-dev pki",
        ])
      // Certificates of somebody else are no finding.
      for (authority, leaf) in [("ca", "vault"), ("acquirer-ca", "vault-client")] {
        for name in [authority, leaf] {
          let issuer =
            name == leaf ? ["-CA", "\(authority).pem", "-CAkey", "\(authority).key"] : []
          try ChildProcess.run(
            [
              "sh", "-c",
              "cd '\(directory)/pki' && sed 's/Cadenas development/Somebody else/' "
                + "development-pki.cnf > other.cnf && exec openssl req -new -x509 -config other.cnf "
                + "-section \(name) -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -sha256 "
                + "-days 3650 -keyout \(name).key -out \(name).pem \(issuer.joined(separator: " ")) "
                + "2>&1",
            ])
        }
      }
      try house.write(
        DevelopmentHouse.fresh.replacing("development: true", with: "development: false")
          .replacing("    client_crl: pki/ca.crl\n", with: "")
          .replacing("      client_crl: pki/acquirer-ca.crl\n", with: ""))
      #expect(try DevelopmentCheck(house.configuration(), house.parts()).run() == [])
    }
  }

  @Test func `a template's own certificates are looked at, and each of a file`() throws {
    try withScratchDirectory { directory in
      let house = try DevelopmentHouse(directory)
      try house.moveConnectionIntoTemplate()
      let both =
        try DevelopmentFiles.readText("\(directory)/pki/acquirer-ca.pem")
        + DevelopmentFiles.readText("\(directory)/pki/stranger-ca.pem")
      try DevelopmentFiles.write(Array(both.utf8), to: "\(directory)/pki/acquirer-ca.pem")
      let configuration = try house.configuration()
      let ends = CertificateCheck(
        configuration: configuration, definitions: try house.parts().definitions,
        nowSeconds: 4_000_000_000
      ).ends()
      #expect(ends.allSatisfy { $0.severity == .error && $0.text.contains(" ended on ") })
      let texts = ends.map(\.text)
      for start in [
        "the server's certificate (\(directory)/pki/vault.pem)",
        "the authority of the acquirer credit-du-nord O=Cadenas development, CN=Development acquirer CA ",
        "the authority of the acquirer credit-du-nord O=Somebody else, CN=Stranger CA (",
        "the certificate shown to the acquirer credit-du-nord (",
      ] {
        #expect(texts.contains { $0.hasPrefix(start) }, "\(start): \(texts)")
      }
    }
  }
}
