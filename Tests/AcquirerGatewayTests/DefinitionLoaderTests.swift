import AccessPolicy
import Bytes
import ConfigurationReading
import NIOSSL
import SecretMemory
import TestSupport
import Testing

@testable import AcquirerGateway

/// What is said about templates, merchants and certificates that do not fit together.
@Suite struct DefinitionLoaderTests {
  let certificates: TestCertificates
  let directory: TemporaryDirectory

  init() throws {
    certificates = try TestCertificates.shared.get()
    directory = try TemporaryDirectory()
  }

  private func load(
    _ merchants: Merchant..., authorization: String = "",
    url: BaseURL? = BaseURL("https://b.example"),
    ca: String = "bank-ca.pem", serverName: String = "bank.example", key: String? = nil
  ) throws -> (definition: AcquirerDefinition?, said: [String]) {
    let text = """
      \(authorization)
      operations:
        authorize:
          path: [v1, {constant: merchant_id}]
          body: {id: {var: payment_id}, pan: {var: card.number}}
      answer: {rules: [{when: {/a: b}, outcome: approved}]}
      """
    let path = try directory.write(text, to: "bank.yaml")
    let pair = key.map {
      OutboundTLS.ClientCertificate(
        certificatePath: certificates.path("vault.pem"), privateKeyPath: certificates.path($0))
    }
    let tls = OutboundTLS(
      caPath: certificates.path(ca), serverName: serverName, clientCertificate: pair)
    let diagnostics = Diagnostics()
    let definitions = DefinitionLoader(diagnostics: diagnostics).load(
      push: ["bank": PushSettings(templatePath: path, url: url, tls: tls)], merchants: merchants)
    let said = diagnostics.all.map {
      $0.description.replacing(directory.path, with: "D").replacing(
        certificates.directory, with: "C")
    }
    return (definitions.first, said)
  }

  @Test func `what fits together becomes a definition`() throws {
    let (definition, said) = try load(Fixture.merchant())
    #expect(said == [])
    #expect(definition?.name == "bank")
    #expect(definition?.endpoint.authority == "b.example")
  }

  @Test func `a connection is listed as it is made, without its private key`() throws {
    let loaded = try #require(try load(Fixture.merchant(), key: "vault.key").definition)
    let listing = try #require(AcquirerRoutes.connections(of: [loaded]).first)
    #expect(listing.acquirer == "bank")
    #expect(listing.url == "https://b.example")
    #expect(listing.serverName == "bank.example")
    #expect(listing.settings.minimumTLSVersion == .tlsv12)
    #expect(listing.settings.privateKey == nil)
    // Forward secrecy (0xC0.., 0xCC..) and authenticated encryption only.
    let suites = listing.settings.cipherSuiteValues.map(\.rawValue).sorted()
    #expect(suites == [0xC02B, 0xC02C, 0xC02F, 0xC030, 0xCCA8, 0xCCA9])
    func bytes(_ file: String) throws -> [[UInt8]] {
      try NIOSSLCertificate.fromPEMFile(certificates.path(file)).map { try $0.toDERBytes() }
    }
    #expect(listing.authorities == (try bytes("bank-ca.pem")))
    #expect(listing.chain == (try bytes("vault.pem")))
  }

  @Test func `a constant that a merchant lacks is said`() throws {
    let (definition, said) = try load(
      Fixture.merchant(constants: ["merchantid": "1"]), Fixture.merchant("other", constants: [:]))
    #expect(definition == nil)
    #expect(
      said == [
        #"D/bank.yaml:2: nothing here uses the constant "merchantid" of merchant "shop": "#
          + "remove it from merchants.shop.acquirers.bank.constants",
        #"D/bank.yaml:4: merchant "other" has no constant "merchant_id": "#
          + "add it to merchants.other.acquirers.bank.constants",
        #"D/bank.yaml:4: merchant "shop" has no constant "merchant_id": "#
          + #"merchants.shop.acquirers.bank.constants has "merchantid", is that it?"#,
      ])
  }

  @Test func `a constant that does not fit is said`() throws {
    let (_, said) = try load(Fixture.merchant(constants: ["merchant_id": "a/b"]))
    #expect(
      said == [
        #"D/bank.yaml:4: the constant "merchant_id" of merchant "shop" does not fit here: "#
          + "use A-Z a-z 0-9 - . _ ~"
      ])
  }

  @Test func `credentials become the header's value`() throws {
    let password = try directory.write("open sesame\n", to: "password")
    let basic = BasicCredentials(user: "Aladdin", passwordFile: password)
    let (definition, said) = try load(
      Fixture.merchant(basic: basic), authorization: "authorization: basic")
    #expect(said == [])
    // The example of RFC 7617, 2.
    #expect(text(definition) == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==")
    let token = try directory.write("mF_9.B5f-4.1JqM", to: "token")
    let bearer = try load(
      Fixture.merchant(bearerFile: token), authorization: "authorization: bearer")
    #expect(text(bearer.definition) == "Bearer mF_9.B5f-4.1JqM")
  }

  private func text(_ definition: AcquirerDefinition?) -> String? {
    guard let header = definition?.merchants["shop"]?.authorization else { return nil }
    return text(header.value)
  }

  private func text(_ secret: borrowing SecretBytes) -> String {
    secret.bytes.text
  }

  @Test(
    arguments: [
      ("a:b", "x", #"D/secret: the user's name may not hold a colon"#),
      ("a", "", "D/secret: is empty"),
      ("a", "\n", "D/secret: is empty"),
      ("a", "x\ny", "D/secret: the password holds a control character"),
    ])
  func `credentials that cannot be sent are said`(
    user: String, password: String, expected: String
  ) throws {
    let file = try directory.write(password, to: "secret")
    let (_, said) = try load(
      Fixture.merchant(basic: BasicCredentials(user: user, passwordFile: file)),
      authorization: "authorization: basic")
    #expect(said == [expected])
  }

  @Test func `a token that would end its line is said`() throws {
    let file = try directory.write("a\r\nX: b", to: "token")
    let (_, said) = try load(
      Fixture.merchant(bearerFile: file), authorization: "authorization: bearer")
    #expect(said == ["D/token: is not a bearer token"])
  }

  @Test func `credentials that nobody brings or nothing sends are said`() throws {
    let missing = try load(Fixture.merchant(), authorization: "authorization: basic")
    #expect(
      missing.said == [
        #"D/bank.yaml: merchant "shop" has no user and password: "#
          + "add merchants.shop.acquirers.bank.basic"
      ])
    let spare = try load(Fixture.merchant(bearerFile: "/none"))
    #expect(
      spare.said == [
        "D/bank.yaml: nothing here sends what merchants.shop.acquirers.bank.bearer_file says: "
          + #"remove it, or write "authorization" beside "operations""#
      ])
  }

  @Test func `what pins the connection has to be there and right`() throws {
    let url = try load(Fixture.merchant(), url: nil)
    #expect(
      url.said == [
        #"D/bank.yaml: no "url" says where "bank" listens: "#
          + "write it here, or under acquirers.bank.push"
      ])
    let ca = try load(Fixture.merchant(), ca: "bank.key")
    #expect(ca.said == ["C/bank.key: holds no certificate in PEM"])
    let key = try load(Fixture.merchant(), key: "bank.pem")
    #expect(key.said == ["C/bank.pem: holds no private key in PEM"])
    let pair = try load(Fixture.merchant(), key: "bank.key")
    #expect(
      pair.said == [
        "C/bank.key: is not the private key of the certificate C/vault.pem: "
          + "certificate and key are renewed together: name those of the same request"
      ])
    let name = try load(Fixture.merchant(), serverName: "127.0.0.1")
    #expect(
      name.said == [
        #"C/bank-ca.pem: "127.0.0.1" is no name that a certificate can carry: "#
          + #"write the host name of the acquirer's certificate as "server_name""#
      ])
  }
}
