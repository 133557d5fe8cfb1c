import Administration
import Cryptography
import JSON
import LMDB
import NIOSSL
import Testing

@testable import cadenas
@testable import cadenas_dev

extension EndToEnd {
  /// What the inventory says, held against handshakes of another implementation and against files.
  @Suite(.stage) struct InventoryTests {
    private static func inventory() throws -> DocumentView {
      let text = try Stage.current.cadenas("keys", "inventory", "--format", "json")
      return try DocumentView(Array(text.utf8))
    }

    /// The protocol and suite that a handshake with these options comes to; nil where there is none.
    private static func handshake(_ options: String) throws -> String? {
      let stage = try Stage.current
      let pki = "\(stage.directory)/pki"
      let line =
        "timeout 60 openssl s_client -connect \(try stage.running.vault) -CAfile \(pki)/ca.pem "
        + "-cert \(pki)/shop.pem -key \(pki)/shop.key \(options) </dev/null 2>&1 || true"
      let text = try ChildProcess.run(["sh", "-c", line])
      guard let start = text.firstRange(of: "New, TLSv1"),
        let end = text[start.lowerBound...].firstIndex(of: "\n")
      else { return nil }
      return String(text[start.lowerBound..<end])
    }

    @Test func `clients come to the version and to each of the suites that it names`() throws {
      let tls = try #require(try Self.inventory()["protocols"]?.elements.first)
      #expect(tls.text("use") == "clients' connections")
      #expect(tls.text("address") == "127.0.0.1:\(try Stage.current.running.vault.port)")
      #expect(tls.text("minimum") == "TLSv1.3")
      #expect(tls.text("maximum") == "TLSv1.3")
      let suites = (tls["cipher_suites"]?.elements ?? []).map(\.text)
      #expect(suites.count == 3)
      for suite in suites {
        let negotiated = try Self.handshake("-tls1_3 -ciphersuites \(suite)")
        #expect(negotiated == "New, TLSv1.3, Cipher is \(suite)")
      }
      for options in [
        "-tls1_2", "-tls1_3 -ciphersuites TLS_AES_128_CCM_SHA256",
        "-tls1_3 -ciphersuites TLS_AES_128_CCM_8_SHA256",
      ] {
        let negotiated = try Self.handshake(options)
        #expect(negotiated == nil, "\(options): \(negotiated ?? "")")
      }
    }

    @Test func `certificates are those of the files, as openssl reads them`() throws {
      let stage = try Stage.current
      let certificates = try Self.inventory()["certificates"]?.elements ?? []
      #expect(certificates.count == 5)
      for (use, file) in [
        ("shown to clients", "vault.pem"),
        ("authority of the acquirer credit-du-nord", "acquirer-ca.pem"),
      ] {
        let row = try #require(certificates.first { $0.text("use") == use })
        let text = try ChildProcess.run([
          "openssl", "x509", "-in", "\(stage.pki.directory)/\(file)", "-noout", "-serial",
          "-fingerprint", "-sha256", "-text",
        ])
        let fingerprint = row.text("sha256").uppercased()
        #expect(text.replacing(":", with: "").contains(fingerprint), "\(file)")
        #expect(text.contains("serial=\(row.text("serial").uppercased())"))
        #expect(text.contains("Signature Algorithm: \(row.text("signature_algorithm"))"))
        #expect(text.contains("(\(row.text("key_bits")) bit)"))
        #expect(row.text("key_type") == "EC")
        #expect(row["age_days"]?.integer == 0)
      }
    }

    @Test func `keys are those of the keyring, with the lengths of their algorithms`() throws {
      let inventory = try Self.inventory()
      let status = try DocumentView(
        Array(try Stage.current.cadenas("keys", "status", "--format", "json").utf8))
      let keys = inventory["keys"]?.elements ?? []
      #expect(keys.map { $0.text("id") } == status["keys"]?.elements.map { $0.text("id") })
      let algorithms = inventory["algorithms"]?.elements ?? []
      for key in keys {
        let algorithm = algorithms.first { $0.text("name") == key.text("algorithm") }
        #expect(algorithm?.text("key_bits") == key.text("key_bits"), "\(key.text("role"))")
      }
    }

    @Test func `libraries and revocation lists are those that are loaded`() throws {
      let inventory = try Self.inventory()
      let libraries = inventory["libraries"]?.elements ?? []
      for library in CryptographicLibrary.all {
        #expect(
          libraries.first { $0.text("name") == library.name }?.text("version") == library.version)
      }
      let lmdb = libraries.first { $0.text("name") == "LMDB" }
      #expect(lmdb?.text("version") == LMDBLibrary.version)
      let lists = inventory["revocation_lists"]?.elements ?? []
      let files = lists.map { $0.text("path").split(separator: "/").last.map(String.init) }
      #expect(files == ["acquirer-ca.crl", "ca.crl"])
      for list in lists { #expect((list["days_left"]?.integer ?? 0) > 0) }
    }

    @Test func `a certificate that was replaced is listed after the reload`() async throws {
      let stage = try Stage.current
      func fingerprints() throws -> [String] {
        (try Self.inventory()["certificates"]?.elements ?? [])
          .filter { $0.text("use") == "shown to clients" }.map { $0.text("sha256") }
      }
      let before = try fingerprints()
      try ChildProcess.run([
        "sh", "-c",
        "cd \(stage.pki.directory) && cp vault.pem kept.pem && cp vault.key kept.key && "
          + "openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=other -days 2 "
          + "-addext subjectAltName=DNS:localhost -keyout vault.key -out vault.pem 2>/dev/null",
      ])
      #expect(try fingerprints() == before, "a file that nobody has read yet is not in use")
      try await stage.reload()
      let row = try #require(
        try Self.inventory()["certificates"]?.elements.first {
          $0.text("use") == "shown to clients"
        })
      #expect(row.text("subject") == "CN=other")
      #expect(row.text("key_type") == "RSA")
      #expect(row.text("key_bits") == "2048")
      try ChildProcess.run([
        "sh", "-c",
        "cd \(stage.pki.directory) && cp kept.pem vault.pem && cp kept.key vault.key",
      ])
      try await stage.reload()
      #expect(try fingerprints() == before)
    }
  }
}
