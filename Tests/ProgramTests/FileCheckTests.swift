import Administration
import Glibc
import Testing

@testable import cadenas
@testable import cadenas_dev

/// Who may change the configuration: judged on facts that are given, and on files.
@Suite struct FileCheckTests {
  private static let service = HostUser(identifier: 995, name: "cadenas", groups: [])

  /// The texts of what is found among these paths: `path: (owner, mode)`, directories by a slash at the end.
  private func found(
    _ facts: [String: (owner: UInt32, mode: UInt32)], files: Set<String>,
    links: [String: String] = [:]
  ) -> [Finding] {
    var check = FileCheck(files: files, directories: ["/var/store"], service: Self.service)
    check.resolve = { links[$0] ?? $0 }
    check.look = { path in
      if let file = facts[path] {
        return .success(.init(owner: file.owner, mode: file.mode, isDirectory: false))
      }
      if let directory = facts[path + "/"] {
        return .success(.init(owner: directory.owner, mode: directory.mode, isDirectory: true))
      }
      return .failure(FileCheck.Unseen(errno: path == "/var/store" ? ENOENT : EACCES))
    }
    return check.run()
  }

  private static let good: [String: (owner: UInt32, mode: UInt32)] = [
    "//": (0, 0o755), "/": (0, 0o755), "/etc/": (0, 0o755), "/etc/c.yaml": (0, 0o644),
    "/var/": (0, 0o755),
    "/var/store/": (995, 0o700), "/etc/tls/": (995, 0o700), "/etc/tls/a.key": (995, 0o600),
    "/tmp/": (0, 0o1777), "/tmp/b.pem": (0, 0o644),
  ]
  private static let files: Set<String> = ["/etc/c.yaml", "/etc/tls/a.key", "/tmp/b.pem"]

  @Test func `root's files and the service's are as they should be`() {
    let findings = found(Self.good, files: Self.files)
    #expect(findings.map(\.severity) == [.ok])
    #expect(
      findings.first?.text
        == "nobody but root and cadenas can change the configuration's 3 files")
  }

  @Test(
    arguments: [
      (
        "/etc/c.yaml", 0, 0o666,
        "/etc/c.yaml may be changed by everybody (mode 0666), and all that it says"
      ),
      (
        "/etc/c.yaml", 0, 0o664,
        "/etc/c.yaml may be changed by its group (mode 0664), and all that it says"
      ),
      (
        "/etc/", 0, 0o775,
        "the directory /etc may be changed by its group (mode 0775), and put other files in the place of "
          + "those in it"
      ),
      (
        "/var/store/", 995, 0o777,
        "the directory /var/store may be changed by everybody (mode 0777), "
      ),
      (
        "/etc/tls/a.key", 4_000_000_123, 0o600,
        "/etc/tls/a.key belongs to #4000000123, who is neither root"
      ),
      (
        "/tmp/", 4_000_000_123, 0o1777,
        "the directory /tmp belongs to #4000000123, who is neither root"
      ),
    ] as [(String, UInt32, UInt32, String)])
  func `what somebody else may change is an error with a remedy`(
    path: String, owner: UInt32, mode: UInt32, text: String
  ) {
    var facts = Self.good
    facts[path] = (owner, mode)
    let findings = found(facts, files: Self.files)
    #expect(findings.count == 1)
    #expect(findings.first?.severity == .error && findings.first?.area == .files)
    #expect(findings.first?.text.hasPrefix(text) == true, "\(findings)")
    let remedy = findings.first?.remedy
    #expect(remedy?.hasPrefix("ch") == true && remedy?.hasPrefix("chmod go-w /") == (owner < 1_000))
  }

  @Test func `where a symbolic link leads is looked at too`() {
    var facts = Self.good
    facts["/srv/"] = (0, 0o777)
    facts["/srv/real.pem"] = (0, 0o644)
    let findings = found(facts, files: Self.files, links: ["/tmp/b.pem": "/srv/real.pem"])
    #expect(findings.map(\.severity) == [.error])
    #expect(
      findings.first?.text.hasPrefix("the directory /srv may be changed by everybody") == true)
  }

  @Test func `what cannot be looked at is never well`() {
    var facts = Self.good
    facts["/etc/c.yaml"] = nil
    let findings = found(facts, files: Self.files)
    #expect(findings.count == 1 && findings.first?.isUnseen == true)
    #expect(findings.first?.text == "who may change /etc/c.yaml was not seen: Permission denied")
  }

  @Test func `files of an installation are all known, those of templates too`() throws {
    try withScratchDirectory { directory in
      let house = try DevelopmentHouse(directory)
      var place = stat()
      #expect(unsafe stat(directory, &place) == 0)
      let owner = HostUser.named(place.st_uid)
      func found() throws -> [Finding] {
        let all = try FileCheck(house.configuration(), house.parts())
        return FileCheck(files: all.files, directories: all.directories, service: owner).run()
      }
      #expect(try found().map(\.severity) == [.ok])
      // A template that says itself where its certificates are.
      try house.moveConnectionIntoTemplate()
      #expect(try found().map(\.severity) == [.ok])
      for name in [
        "cadenas.yaml", "acquirers/simulator.yaml", "pki/ca.pem", "pki/ca.crl", "pki/vault.pem",
        "pki/acquirer-ca.pem", "pki/vault-client.pem",
      ] {
        #expect(unsafe chmod("\(directory)/\(name)", 0o666) == 0)
        let findings = try found()
        #expect(findings.map(\.severity) == [.error], "\(name): \(findings)")
        #expect(findings.first?.text.contains("\(directory)/\(name) may be") == true)
        #expect(unsafe chmod("\(directory)/\(name)", 0o644) == 0)
      }
    }
  }
}
