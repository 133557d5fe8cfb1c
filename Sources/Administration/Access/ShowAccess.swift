internal import AuditLog
internal import JSON
internal import Storage

/// `access`: who may do what now, and when each of them last did something.
package struct ShowAccess: PlainAdminOperation {
  package static let route = AdminRoute.get("/v1/access")
  package var terms: AdminTerms { AdminTerms(.audit, .long, .progress, .access) }

  package init() {}

  package func run(_ call: AdminCall) throws {
    guard let grants = call.hooks.access?() else {
      throw AdministrationError.unavailable("who may do what is not known here")
    }
    let accounts = RoleAccounts(grants.roles)
    let reader = AuditReader(call.store)
    let size = try reader.size()
    let actors = Set(accounts.accounts.map { "user:\($0.name)" } + grants.clients.map(\.identity))
    let newest = try reader.newestEntries(of: actors, below: size) {
      try call.sink(.progress(done: $0, total: size))
    }
    let first = try reader.page(limit: 1).entries.first
    let mark = try call.store.read { (transaction) throws(AuditError) in
      try ArchiveMark.read(in: transaction)
    }
    let archivedUntil = try mark.map { try call.archiveEnd($0) }
    try call.show { json in
      json.member("log_entries", integer: size)
      json.member("log_begins", time: first?.timeMilliseconds)
      json.member("clients_archived_until", time: archivedUntil)
      json.member("accounts", objects: accounts.accounts) { json, account in
        json.member("account", string: "user:\(account.name)")
        json.member("exists", boolean: account.exists)
        json.member("roles", objects: account.reasons) { json, reason in
          json.member("role", string: reason.role)
          json.member("through", string: reason.group.map { "group:\($0)" })
        }
        json.lastUse(newest["user:\(account.name)"])
      }
      json.member("groups", objects: accounts.groups) { json, group in
        json.member("group", string: "group:\(group.name)")
        json.member("role", string: group.role)
        json.member("members", integer: group.members)
      }
      json.member("clients", objects: grants.clients) { json, client in
        json.member("client", string: client.identity)
        json.member("merchant", string: client.merchant)
        json.member("acquirer", string: client.acquirer)
        json.member("operations", strings: client.operations)
        json.lastUse(newest[client.identity])
      }
    }
  }
}

extension JSONWriter {
  /// A time in Unix milliseconds, or null.
  fileprivate mutating func member(_ name: JSONName, time milliseconds: Int64?) {
    guard let milliseconds else {
      self.name(name)
      return null()
    }
    member(name, unixMilliseconds: milliseconds)
  }

  /// `last_use`: time, operation and outcome of an entry, or null.
  fileprivate mutating func lastUse(_ entry: LoggedEntry?) {
    name("last_use")
    guard let entry else { return null() }
    object { json in
      json.member("time", unixMilliseconds: entry.timeMilliseconds)
      json.member("operation", string: entry.operationText)
      json.member("outcome", string: entry.outcomeText)
    }
  }
}
