import Administration
import AuditLog
import RecordFormat
import Testing

@Suite("A key's history")
struct KeyHistoryTests {
  private static func logged(_ sequence: UInt64, _ members: String) throws -> LoggedEntry {
    let line =
      #"{"seq":\#(sequence),"time":"2026-11-23T18:43:25.123Z","actor":"user:ann",\#(members)}"#
    let bytes = Array(line.utf8)
    return try #require(unsafe LoggedEntry(line: bytes.span.bytes))
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
    #expect(try name("approve", "done") == ["approve done"])
    #expect(try name("keys.status", "done").isEmpty)
    #expect(try name("keys.certificate", "done").isEmpty)
  }

  @Test("knows a key's role from the entries before, and approvers by name")
  func roles() throws {
    let events = try Self.events(of: [
      #""operation":"keys.destroy","key":"0000000a","outcome":"done""#,
      #""operation":"keys.rotate","key":"0000000b","outcome":"done","reason":"role=audit replaces=0000000a""#,
      #""operation":"keys.destroy","key":"0000000a","outcome":"done","reason":"approved_by=user:bob,user:cy x""#,
    ])
    #expect(events.map(\.role) == [nil, "audit", "audit", "audit"])
    #expect(events.map(\.approvers) == [[], [], [], ["user:bob", "user:cy"]])
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
