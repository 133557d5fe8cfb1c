package import AuditLog
package import VaultManagement

/// Something that can be asked of a running service on its administration socket, as one value: how it
/// is asked, who may, what the log calls it, and what is done.
///
/// A new one is a type like the others, a line in ``AdminRegistry``, and the command that asks it; where
/// the log has no word for it, also a word of ``AuditOperation`` and its line in AuditLog.md.
package protocol AdminOperation: Equatable, Sendable {
  /// Where it is asked. No other type has the same.
  static var route: AdminRoute { get }

  /// Reads what ``fields`` says.
  /// - Throws: ``AdministrationError/malformedRequest(_:)`` for values that have no valid form.
  init(_ query: Query) throws(AdministrationError)

  /// What the query of its target says.
  var fields: [Query.Field] { get }

  /// Who may ask it, and how it is answered.
  var terms: AdminTerms { get }

  /// Why it is asked for, where it changes something; nil where it changes nothing.
  var reason: KeyReason? { get }

  /// What the log says that it is about, where it is refused or fails.
  var subject: AdminSubject { get }

  /// Does it, and gives its answer to `call`. Blocks until that is done.
  func run(_ call: AdminCall) throws
}

extension AdminOperation {
  package var fields: [Query.Field] { [] }
  package var reason: KeyReason? { nil }
  package var subject: AdminSubject { AdminSubject() }

  /// The place of its type; the path holds no value of anybody.
  var route: AdminRoute { Self.route }

  /// The target of the HTTP request: path and query.
  var target: String { route.path + Query.text(fields) }
}

/// An operation whose query is empty.
package protocol PlainAdminOperation: AdminOperation {
  init()
}

extension PlainAdminOperation {
  package init(_ query: Query) throws(AdministrationError) { self.init() }
}

/// A change that is asked for with a ticket and a reason, and nothing else.
package protocol PlainChange: AdminOperation {
  /// Why it is asked for.
  var why: KeyReason { get }

  init(because why: KeyReason)
}

extension PlainChange {
  package init(_ query: Query) throws(AdministrationError) {
    self.init(because: try query.reason())
  }
  package var fields: [Query.Field] { why.fields }
  package var reason: KeyReason? { why }
  package var subject: AdminSubject { AdminSubject(words: why.words) }
}

/// Method and path of a request, and the names that its query may hold.
package struct AdminRoute: Equatable, Sendable {
  let method: String
  let path: String
  /// Each at most once; where there is none, the query is empty.
  let names: [String]

  /// Asks without changing anything.
  static func get(_ path: String, _ names: String...) -> AdminRoute {
    AdminRoute(method: "GET", path: path, names: names)
  }

  /// Asks for something to be done.
  static func post(_ path: String, _ names: String...) -> AdminRoute {
    AdminRoute(method: "POST", path: path, names: names)
  }

  /// Asks for something to be changed, with a ticket and a reason.
  static func change(_ path: String, _ names: String...) -> AdminRoute {
    AdminRoute(method: "POST", path: path, names: names + KeyReason.fieldNames)
  }
}

/// Who may ask an operation, where it waits, how it is answered, and what the log calls it.
package struct AdminTerms: Sendable {
  /// What it takes of whoever asks it.
  let right: Right
  /// Where it waits.
  let lane: AdminLane
  /// How the answer comes.
  let form: AnswerForm
  /// What the audit log calls it.
  package let audited: AuditOperation
  /// Whether it leaves an entry where it is done: not where it neither changes nor reads protected
  /// state. That somebody may not ask it is an entry in any case.
  let leavesEntry: Bool
  /// Whether a store that no service works with has to be opened for writing.
  package let isWriting: Bool
  /// Whether it is done without a ticket where changes take one: what must not wait, and what persons
  /// say to a request that has one.
  let isFreeOfTickets: Bool
  /// Whether the user of the service may ask it without a role: who runs it knows more than it tells.
  let isForOwner: Bool

  init(
    _ right: Right, _ lane: AdminLane, _ form: AnswerForm, _ audited: AuditOperation,
    leavesEntry: Bool = true, isWriting: Bool = false, isFreeOfTickets: Bool = false,
    isForOwner: Bool = false
  ) {
    self.right = right
    self.lane = lane
    self.form = form
    self.audited = audited
    self.leavesEntry = leavesEntry
    self.isWriting = isWriting
    self.isFreeOfTickets = isFreeOfTickets
    self.isForOwner = isForOwner
  }
}

/// What a command is about, for the entry that says that it was refused or has failed.
package struct AdminSubject: Equatable, Sendable {
  /// The id of a key, 8 hexadecimal digits.
  var key: String?
  /// A token.
  var token: String?
  /// Words of a reason, each with a space before it; a free text comes last.
  var words = ""
}

/// How an answer comes.
enum AnswerForm: Sendable {
  /// One JSON document.
  case document
  /// Text in the format of Prometheus.
  case metrics
  /// The lines of the log as they are.
  case lines
  /// JSON lines: `{"progress":{"done","total"}}` any number of times, then `{"result":…}` or
  /// `{"error":…}`.
  case progress
}

/// Where a request waits for its turn. Each lane has threads of its own, and so has each role in it, so
/// that those who wait for something long, or may only read or watch, never keep somebody from closing the
/// vault, nor anybody a custodian from opening it.
enum AdminLane: CaseIterable, Sendable {
  /// What is answered at once.
  case short
  /// What reads everything, or watches long work.
  case long
  /// What goes on until who asks has seen enough: entries that are followed.
  case watching
  /// What persons do together: shares, ceremonies, approvals.
  case persons
  /// What must not wait: seal, compromise.
  case urgent

  /// Threads for those of a role, which is how many of their requests may run at a time; past it, all
  /// but the short ones are refused. None where nothing that the role permits waits there.
  func threads(_ role: Role) -> Int {
    switch role {
    case .monitor where self != .short: return 0
    case .custodian where self != .short && self != .persons: return 0
    case .operator, .auditor, .custodian, .monitor: break
    }
    return switch self {
    case .short, .urgent, .watching: 2
    case .long: 4
    case .persons: 6
    }
  }

  /// How many requests of one user of a role may run or wait at a time.
  func mostByUser(_ role: Role) -> Int {
    switch (self, role) {
    case (.long, .auditor): AdminServer.Limits.longOperationsByAuditor
    case (_, .monitor): AdminServer.Limits.operationsByMonitor
    default: .max
    }
  }
}
