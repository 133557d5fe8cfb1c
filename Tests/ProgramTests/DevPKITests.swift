import Testing

@testable import cadenas_dev

@Suite struct DevPKITests {
  private static func openssl(_ arguments: String...) throws -> String {
    try ChildProcess.run(["openssl"] + arguments)
  }

  @Test func everyPartyGetsAPairThatItsAuthoritySigned() throws {
    try withScratchDirectory { directory in
      try DevelopmentPKI.make(in: directory)
      for authority in DevelopmentPKI.authorities {
        for leaf in authority.leaves {
          let verified = try Self.openssl(
            "verify", "-CAfile", "\(directory)/\(authority.name).pem", "\(directory)/\(leaf).pem")
          #expect(verified.hasSuffix("OK\n"))
          let ofKey = try Self.openssl("pkey", "-pubout", "-in", "\(directory)/\(leaf).key")
          let ofPem = try Self.openssl(
            "x509", "-noout", "-pubkey", "-in", "\(directory)/\(leaf).pem")
          #expect(ofKey == ofPem, "\(leaf).key belongs to \(leaf).pem")
          #expect(mode(of: "\(directory)/\(leaf).key") == 0o600)
        }
      }
    }
  }

  @Test func theRevocationListNamesTheRevokedAloneAndIsGoodForYears() throws {
    try withScratchDirectory { directory in
      try DevelopmentPKI.make(in: directory)
      let serial = try Self.openssl(
        "x509", "-noout", "-serial", "-in", "\(directory)/revoked.pem")
      let list = try Self.openssl("crl", "-noout", "-text", "-in", "\(directory)/ca.crl")
      let number = serial.dropFirst("serial=".count).dropLast()
      #expect(list.contains("Serial Number: \(number)"))
      #expect(list.split(separator: "Serial Number:").count == 2)
      let empty = try Self.openssl("crl", "-noout", "-text", "-in", "\(directory)/acquirer-ca.crl")
      #expect(empty.contains("No Revoked Certificates"))
      // In 1,000 days it is still good: an installation that was kept starts again.
      let future = try Self.openssl(
        "verify", "-attime", "\(try Self.secondsInDays(1000))", "-crl_check",
        "-CAfile", "\(directory)/ca.pem", "-CRLfile", "\(directory)/ca.crl",
        "\(directory)/shop.pem")
      #expect(future.hasSuffix("OK\n"))
    }
  }

  private static func secondsInDays(_ days: Int) throws -> Int {
    let now = try ChildProcess.run(["date", "+%s"])
    return (Int(now.dropLast()) ?? 0) + days * 86_400
  }

  @Test func theImpostorCarriesTheAcquirersNameUnderTheShopsAuthority() throws {
    try withScratchDirectory { directory in
      try DevelopmentPKI.make(in: directory)
      func name(_ pair: String) throws -> String {
        try Self.openssl(
          "x509", "-noout", "-ext", "subjectAltName", "-in", "\(directory)/\(pair).pem")
      }
      #expect(try name("impostor") == name("acquirer"))
      #expect(try name("acquirer").contains("URI:spiffe://credit-du-nord.example/authorization"))
      #expect(try name("revoked") == name("shop"))
      #expect(try name("vault").contains("DNS:localhost, IP Address:127.0.0.1"))
    }
  }

  @Test func aDirectoryInUseIsLeftAlone() throws {
    try withScratchDirectory { directory in
      try DevelopmentFiles.write([], to: "\(directory)/mine")
      #expect(throws: DevelopmentError.self) { try DevelopmentPKI.make(in: directory) }
      #expect(try DevelopmentFiles.names(in: directory) == ["mine"])
    }
  }
}
