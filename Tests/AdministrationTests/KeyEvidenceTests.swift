import Administration
import AuditLog
import Cryptography
import JSON
import Keyring
import Ledgers
import RecordFormat
import Storage
import TestSupport
import Testing
import VaultCore
import VaultManagement

@Suite("Evidence about keys over the administration socket")
struct KeyEvidenceTests {
  private let service: TestService

  init() throws { service = try TestService() }

  private func collect(_ operation: any AdminOperation) throws -> String {
    var document = ""
    try service.serving { _, client in
      document = try #require(try client.collect(operation).documents.first)
    }
    return document
  }

  private func sign(_ text: String) throws -> SignedNote {
    try SignedNote(
      signing: text, as: "cadenas/test", with: service.keyring.signingKey().key)
  }

  @Test("gives the final certificate, or else the interim one, or the one that is asked for")
  func certificates() throws {
    let key = KeyIdentifier(10)
    func kinds(_ kind: RotationCertificate.Kind?) throws -> String {
      let document = try collect(ShowKeyCertificate(key, kind))
      #expect(document.hasPrefix(#"{"key":"0000000a","kind":""#))
      return String(document.dropFirst(26).prefix { $0 != "\"" })
    }
    func save(_ kind: RotationCertificate.Kind) throws {
      let note = try sign("\(kind.rawValue)\n")
      try service.store.write { transaction in
        try RotationCertificate.save(note, for: key, kind, in: &transaction)
      }
    }
    for kind in [nil, .final, .interim] as [RotationCertificate.Kind?] {
      #expect(throws: AdminClient.Failure.self) { try kinds(kind) }
    }
    try save(.interim)
    #expect(try kinds(nil) == "interim")
    #expect(throws: AdminClient.Failure.self) { try kinds(.final) }
    try save(.final)
    #expect(try kinds(nil) == "final")
    #expect(try kinds(.interim) == "interim")
    let lines = try service.lines(from: 0)
    #expect(lines.last?.contains(#""operation":"keys.certificate","outcome":"done""#) == true)
  }

  @Test("says with 404 that there is no certificate, and no entry says that one was given")
  func noCertificate() throws {
    try service.serving { _, client in
      do {
        _ = try client.collect(ShowKeyCertificate(KeyIdentifier(10), nil))
        Issue.record("a certificate was given")
      } catch AdminClient.Failure.problem(let status, let name, _) {
        #expect(status == 404)
        #expect(name == "not-found")
      }
    }
    let lines = try service.lines(from: 0)
    #expect(lines.count == 1)
    #expect(
      lines[0].contains(
        #""operation":"keys.certificate","key":"0000000a","outcome":"refused","reason":"cause=not-found""#
      ))
  }

  @Test("gives the public key of the audit key as a verifier key of the store")
  func publicKey() throws {
    let entry = try service.keyring.current(.audit)
    let publicKey = try service.keyring.signingKey().key.publicKey
    let key = try #require(
      VerifierKey(name: "cadenas/0102030405060708090a0b0c0d0e0f10", publicKey: publicKey))
    let document = try collect(ShowPublicKeys())
    #expect(
      document == """
        {"name":"cadenas/0102030405060708090a0b0c0d0e0f10","keys":[{"id":"\(entry.identifier.text)",\
        "state":"active","created":"2026-11-23T18:43:25Z","verifier_key":"\(key.text)"}],\
        "successions":[]}
        """)
  }

  @Test("tells the events of one key or of all, with progress")
  func history() throws {
    try service.record([
      AuditEntry(
        actor: "user:ann", operation: .keysCreate, key: "0000000a", outcome: .done,
        reason: "role=data check_value=A1"),
      AuditEntry(actor: "user:ann", operation: .tokenize, outcome: .created),
      AuditEntry(
        actor: "user:bob", operation: .keysRotate, key: "0000000b", outcome: .done,
        reason: "role=data replaces=0000000a check_value=B2"),
    ])
    let all = try collect(ShowKeyHistory(nil))
    #expect(all.hasSuffix(#""omitted":0}"#))
    #expect(all.ranges(of: #""seq":2,"#).count == 2)
    let one = try collect(ShowKeyHistory(KeyIdentifier(10)))
    #expect(
      one == """
        {"events":[{"seq":0,"time":"2026-11-23T18:43:25.123Z","key":"0000000a","role":"data",\
        "event":"created","actor":"user:ann","approved_by":[],"reason":"role=data check_value=A1"},\
        {"seq":2,"time":"2026-11-23T18:43:25.123Z","key":"0000000a","role":"data",\
        "event":"replaced","actor":"user:bob","approved_by":[],"reason":"by=0000000b"}],\
        "omitted":0}
        """)
  }

  @Test("leaves out the oldest events where there are too many for one document")
  func manyEvents() throws {
    try service.record(
      (0..<4_100).map { number in
        AuditEntry(
          actor: "user:ann", operation: .keysReencrypt, key: "0000000a", outcome: .begun,
          reason: "number=\(number)")
      })
    let document = try collect(ShowKeyHistory(nil))
    #expect(document.hasSuffix(#""omitted":4}"#))
    #expect(document.contains(#""seq":4,"#))
    #expect(document.contains("number=4099"))
    #expect(!document.contains(#""seq":3,"#))
  }

  @Test("has no inventory where nothing uses cryptography, and the service's where it does")
  func inventory() throws {
    #expect(throws: AdminClient.Failure.self) { try collect(ShowInventory()) }
    var hooks = AdministrationHooks(clock: .real)
    hooks.keyring = { [keyring = service.keyring] in keyring }
    hooks.version = "1.2.3"
    hooks.inventory = { json, now in
      json.member("libraries", strings: ["one"])
      json.member("time_again", unixMilliseconds: now)
    }
    var collected = Collected()
    try Operations(store: service.store, hooks: hooks).run(ShowInventory(), actor: "user:ann") {
      collected.take($0)
    }
    let document = try #require(collected.documents.first)
    #expect(document.hasPrefix(#"{"version":"1.2.3","time":""#))
    #expect(document.contains(#"],"libraries":["one"],"time_again":""#))
    #expect(
      document.contains(#""role":"kek","state":"active","algorithm":"XAES-256-GCM","key_bits":256"#)
    )
  }

  @Test("counts whole days, rounded down, whatever the times are")
  func days() {
    let day: Int64 = 86_400_000
    #expect((3 * day).days(since: day) == 2)
    #expect((3 * day - 1).days(since: day) == 1)
    #expect(Int64(0).days(since: 1) == -1)
    #expect(Int64.max.days(since: -1) == .max)
    #expect((-day).days(since: .max) == -.max)
  }

  @Test("warns of the end of cryptoperiods by the clock that the service has")
  func warnings() throws {
    for (years, isWarned) in [(0, false), (9, true)] as [(Int64, Bool)] {
      let milliseconds = 1_795_459_405_123 + years * 365 * 86_400_000
      var hooks = AdministrationHooks(
        clock: Clock(milliseconds: { milliseconds }, monotonicNanoseconds: { 1 }))
      hooks.keyring = { [keyring = service.keyring] in keyring }
      var collected = Collected()
      try Operations(store: service.store, hooks: hooks).run(ShowKeys(), actor: "user:ann") {
        collected.take($0)
      }
      let document = try #require(collected.documents.first)
      #expect(document.contains("its cryptoperiod has ended: keys rotate data") == isWarned)
    }
  }

  @Test("gives each role's key an algorithm that is described, and its length")
  func uses() throws {
    let algorithms = try AlgorithmDescription.all()
    for role in KeyRole.allCases {
      let algorithm = algorithms.first { $0.name == role.use.algorithm }
      #expect(algorithm?.keyBits == role.use.keyBits, "\(role)")
      #expect(role.use.keyBits == 8 * Keyring.keySize)
    }
    for entry in service.keyring.entries {
      guard let material = entry.material else { continue }
      #expect(material.count * 8 == entry.role.use.keyBits)
    }
  }
}
