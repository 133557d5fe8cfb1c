import Administration
import AuditLog
import Bytes
import RecordFormat
import Testing

@Suite("A key's history")
struct KeyHistoryTests {
  private static func logged(_ sequence: UInt64, _ members: String) throws -> LoggedEntry {
    let line =
      #"{"seq":\#(sequence),"time":"2026-11-23T18:43:25.123Z","actor":"user:ann",\#(members)}"#
    let bytes = Array(line.utf8)
    let entry = LoggedEntry(line: bytes.rawSpan)
    return try #require(entry)
  }

  private static func events(of entries: [String]) throws -> [KeyEvent] {
    var history = KeyHistory()
    return try entries.enumerated().flatMap {
      history.events(of: try logged(UInt64($0.offset), $0.element))
    }
  }

  @Test("tells of a replacement for the new key and for the old one")
  func replacement() throws {
    let events = try Self.events(of: [
      #""operation":"keys.create","key":"0000000a","outcome":"done","reason":"role=data check_value=A1""#,
      #""operation":"keys.rotate","key":"0000000b","outcome":"done","reason":"role=data replaces=0000000a check_value=B2""#,
    ])
    #expect(events.map(\.event) == ["created", "replaced", "created"])
    #expect(events.map(\.key) == [KeyIdentifier(10), KeyIdentifier(10), KeyIdentifier(11)])
    #expect(events.map(\.sequence) == [0, 1, 1])
    #expect(events.allSatisfy { $0.role == "data" && $0.actor == "user:ann" })
    #expect(events[1].reason == "by=0000000b")
    #expect(events[0].timeMilliseconds == 1_795_459_405_123)
  }

  @Test("names what was done, and what only was asked or refused")
  func names() throws {
    func name(_ operation: String, _ outcome: String) throws -> [String] {
      try Self.events(of: [
        #""operation":"\#(operation)","key":"0000000a","outcome":"\#(outcome)""#
      ]).map(\.event)
    }
    #expect(try name("keys.deactivate", "done") == ["deactivated"])
    #expect(try name("keys.compromise", "done") == ["compromised"])
    #expect(try name("keys.destroy", "done") == ["destroyed"])
    #expect(try name("keys.destroy", "refused") == ["destroy refused"])
    #expect(try name("keys.reencrypt", "begun") == ["reencrypt begun"])
    #expect(try name("keys.rotate", "refused") == ["rotate refused"])
    #expect(try name("keys.destroy", "waiting") == ["destroy waiting"])
    #expect(try name("approve", "done") == ["destruction approved"])
    #expect(try name("unseal", "done") == ["unsealed"])
    #expect(try name("keys.status", "done").isEmpty)
    #expect(try name("keys.certificate", "done").isEmpty)
  }

  @Test("knows a key's role from the entries before")
  func roles() throws {
    let events = try Self.events(of: [
      #""operation":"keys.destroy","key":"0000000a","outcome":"refused""#,
      #""operation":"keys.rotate","key":"0000000b","outcome":"done","reason":"role=audit replaces=0000000a""#,
      #""operation":"keys.destroy","key":"0000000a","outcome":"begun""#,
    ])
    #expect(events.map(\.role) == [nil, "audit", "audit", "audit"])
  }

  @Test("names those who approved a destruction with its beginning and its end")
  func approvers() throws {
    let events = try Self.events(of: [
      #""operation":"keys.destroy","key":"0000000a","outcome":"waiting","reason":"approval=00000001 persons=3""#,
      #""operation":"approve","key":"0000000a","outcome":"done","reason":"approval=00000001""#,
      #""operation":"approve","key":"0000000a","outcome":"refused","reason":"approval=00000001""#,
      #""operation":"approve","key":"0000000b","outcome":"done","reason":"approval=00000002""#,
      #""operation":"keys.destroy","key":"0000000a","outcome":"begun","reason":"role=data approval=00000001""#,
      #""operation":"keys.destroy","key":"0000000a","outcome":"done","reason":"role=data""#,
    ])
    #expect(events.map(\.approvers) == [[], [], [], [], ["user:ann"], ["user:ann"]])
  }

  @Test("does not look at the free text of a person")
  func freeText() throws {
    let events = try Self.events(of: [
      #""operation":"keys.deactivate","key":"0000000a","outcome":"done","reason":"role=data reason=x replaces=0000000b role=audit""#
    ])
    #expect(events.map(\.key) == [KeyIdentifier(10)])
    #expect(events.map(\.role) == ["data"])
  }

  @Test("passes over entries about no key, or about what is none")
  func others() throws {
    let events = try Self.events(of: [
      #""operation":"init","outcome":"done""#,
      #""operation":"keys.rotate","key":"10","outcome":"done""#,
    ])
    #expect(events.isEmpty)
  }

  @Test("of a refused rotation tells nothing of the key that stays")
  func refused() throws {
    let events = try Self.events(of: [
      #""operation":"keys.rotate","key":"0000000b","outcome":"refused","reason":"replaces=0000000a""#
    ])
    #expect(events.map(\.key) == [KeyIdentifier(11)])
  }
}
