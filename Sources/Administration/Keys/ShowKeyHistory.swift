internal import AuditLog
internal import JSON
package import RecordFormat

/// `keys history`: what happened to a key, or to every key.
package struct ShowKeyHistory: AdminOperation {
  /// How many events it gives at most.
  private static let mostEvents = 4_096

  package static let route = AdminRoute.get("/v1/keys/history", "key")
  private let key: KeyIdentifier?

  package init(_ key: KeyIdentifier?) { self.key = key }

  package init(_ query: Query) throws(AdministrationError) {
    key = query["key"].flatMap { KeyIdentifier($0) }
    guard query["key"] == nil || key != nil else {
      throw .malformedRequest("a history is that of every key, or of one")
    }
  }

  package var fields: [Query.Field] { [("key", key?.text)] }
  package var terms: AdminTerms { AdminTerms(.audit, .long, .progress, .keysHistory) }

  package func run(_ call: AdminCall) throws {
    let reader = AuditReader(call.store)
    let size = try reader.size()
    var filter = AuditFilter()
    filter.hasKey = true
    var history = KeyHistory()
    var events: [KeyEvent] = []
    var omitted = 0
    var next: UInt64? = 0
    while let start = next, start < size {
      try call.sink(.progress(done: start, total: size))
      let page = try reader.page(from: start, below: size, filter: filter)
      for entry in page.entries {
        events += history.events(of: entry).filter { key == nil || $0.key == key }
      }
      if events.count > 2 * Self.mostEvents {
        omitted += events.count - Self.mostEvents
        events.removeFirst(events.count - Self.mostEvents)
      }
      next = page.next
    }
    omitted += max(0, events.count - Self.mostEvents)
    try call.show(Self.document(of: events.suffix(Self.mostEvents), omitted: omitted))
  }

  private static func document(of events: ArraySlice<KeyEvent>, omitted: Int) -> [UInt8] {
    JSONWriter.document { json in
      json.member("events", objects: events) { json, event in
        json.member("seq", integer: event.sequence)
        json.member("time", unixMilliseconds: event.timeMilliseconds, precision: .milliseconds)
        json.member("key", string: event.key.text)
        json.member("role", string: event.role)
        json.member("event", string: event.event)
        json.member("actor", string: event.actor)
        json.member("approved_by", strings: event.approvers)
        json.member("reason", string: event.reason)
      }
      json.member("omitted", integer: omitted)
    }
  }
}
