import AuditLog
import Bytes
import Ledgers
package import RecordFormat
import Storage
package import VaultCore

/// A request to destroy a key that waits until enough different persons want it.
///
/// Row of `meta`: `approval/` ‖ identifier → a ``TextRow`` of version, key id, who asked, Unix ms,
/// persons, ticket, reason, audit entries, and each approver.
package struct Approval: Equatable, Sendable {
  /// For how long a request waits, in milliseconds.
  package static let lifetimeMilliseconds: UInt64 = 7 * 86_400_000
  /// How many requests wait at most.
  package static let most = 64

  private static let version = "1"
  private static let leastTexts = 8
  static let prefix = Array("approval/".utf8)

  /// Eight hexadecimal digits by which people name it.
  package let identifier: String
  /// The key that is to be destroyed.
  package let key: KeyIdentifier
  /// Who asked, as entries name them.
  package let requester: String
  /// When it was asked, in Unix milliseconds.
  package let requestedMilliseconds: UInt64
  /// How many different persons it takes, the one who asked among them: the most that a policy has
  /// asked for while it waited.
  package var persons: Int
  /// Why.
  package let reason: KeyReason
  /// Who has approved it.
  package var approvers: [String]
  /// The audit entries about it.
  var entries: [UInt64]

  /// When it ends by itself, in Unix milliseconds.
  package var endMilliseconds: UInt64 { requestedMilliseconds + Self.lifetimeMilliseconds }

  /// How many persons are still missing.
  package var missing: Int { max(0, persons - 1 - approvers.count) }

  var rowKey: [UInt8] { Self.rowKey(identifier) }

  static func rowKey(_ identifier: String) -> [UInt8] { prefix + Array(identifier.utf8) }

  func write(_ transaction: inout StoreWriteTransaction) throws(VaultError) {
    let row = TextRow.encode(
      [
        Self.version, key.text, requester, String(requestedMilliseconds), String(persons),
        reason.ticket, reason.text, TextRow.text(entries),
      ] + approvers)
    try transaction.putRow(row, at: rowKey)
  }

  /// Every request that waits.
  static func all(_ transaction: borrowing some StoreReading & ~Copyable) throws(VaultError)
    -> [Approval]
  {
    var found: [Approval] = []
    try transaction.forEachRow(prefix) { (key, row) throws(VaultError) in
      found.append(
        try Approval(
          identifier: String(decoding: key.dropFirst(prefix.count), as: UTF8.self),
          row: row.array))
    }
    return found
  }

  private init(identifier: String, row: [UInt8]) throws(VaultError) {
    let texts = try onLedger(TextRow.decode(row))
    guard texts.count >= Self.leastTexts, texts[0] == Self.version,
      let key = KeyIdentifier(texts[1]), let requested = UInt64(texts[3]),
      let persons = Int(texts[4]), let reason = KeyReason(ticket: texts[5], text: texts[6]),
      let entries = TextRow.numbers(texts[7])
    else { throw .malformedRow }
    self.init(
      identifier: identifier, key: key, requester: texts[2], requestedMilliseconds: requested,
      persons: persons, reason: reason, approvers: Array(texts[Self.leastTexts...]),
      entries: entries)
  }

  init(
    identifier: String, key: KeyIdentifier, requester: String, requestedMilliseconds: UInt64,
    persons: Int, reason: KeyReason, approvers: [String] = [], entries: [UInt64] = []
  ) {
    self.identifier = identifier
    self.key = key
    self.requester = requester
    self.requestedMilliseconds = requestedMilliseconds
    self.persons = persons
    self.reason = reason
    self.approvers = approvers
    self.entries = entries
  }
}

extension VaultManager {
  /// The requests that wait for approval, in the order of their identifiers.
  package func approvals() throws(VaultError) -> [Approval] {
    let now = books.now
    return try store.read { (transaction) throws(VaultError) in
      try Approval.all(transaction)
    }.filter { $0.endMilliseconds > now }
  }

  /// Lets no request that waits need fewer persons than `persons`, which the policy asks for from now
  /// on. A policy that asks for fewer later takes nothing back.
  package func raiseApprovals(toPersons persons: Int) throws(VaultError) {
    let isRaised = try approvals().contains { $0.persons < persons }
    guard isRaised else { return }
    try store.perform { [books] (transaction) throws(VaultError) in
      for var approval in try books.waitingApprovals(in: &transaction)
      where approval.persons < persons {
        approval.persons = persons
        try approval.write(&transaction)
      }
    }
  }

  /// Approves a request; the last person who is missing has it done.
  ///
  /// - Parameter persons: how many the policy asks for now; the higher of this and of what it asked
  ///   for at the request counts.
  /// - Throws: ``VaultError/unknownApproval``, ``VaultError/samePerson``,
  ///   ``VaultError/keyNeeded(_:_:)``; nothing has changed then, and the request waits on.
  package func approve(
    _ identifier: String, actor: String, persons: Int
  ) throws(VaultError) -> DestructionAnswer {
    guard let waiting = try approvals().first(where: { $0.identifier == identifier }) else {
      throw .unknownApproval
    }
    let needs = try needs(of: waiting.key)
    guard needs.isEmpty else { throw .keyNeeded(waiting.key, needs) }
    let answer = try store.perform { [books] (transaction) throws(VaultError) in
      try books.approve(identifier, actor: actor, persons: persons, in: &transaction)
    }
    if answer == .begun { try beginDestructions() }
    return answer
  }

  /// Rejects a request: it is gone. Whoever asked may take it back in this way.
  ///
  /// - Throws: ``VaultError/unknownApproval``.
  package func reject(_ identifier: String, because reason: KeyReason, actor: String)
    throws(VaultError)
  {
    try store.perform { [books] (transaction) throws(VaultError) in
      let waiting = try books.waitingApprovals(in: &transaction)
      guard let approval = waiting.first(where: { $0.identifier == identifier }) else {
        throw .unknownApproval
      }
      try transaction.removeRow(approval.rowKey)
      try books.record(
        AuditEntry(
          actor: actor, operation: .reject, key: approval.key.text,
          outcome: .done,
          reason: "approval=\(identifier) requested_by=\(approval.requester)" + reason.words),
        in: &transaction)
    }
  }
}

extension Books {
  /// Notes a request, or finds the one that is there for the key; nil where there is none and one
  /// person is enough.
  ///
  /// - Throws: ``VaultError/tooManyApprovals``.
  func wait(
    _ request: Approval, in transaction: inout StoreWriteTransaction
  ) throws(VaultError) -> Approval? {
    let waiting = try waitingApprovals(in: &transaction)
    if var known = waiting.first(where: { $0.key == request.key }) {
      if known.persons < request.persons {
        known.persons = request.persons
        try known.write(&transaction)
      }
      return known
    }
    guard request.persons > 1 else { return nil }
    guard waiting.count < Approval.most else { throw .tooManyApprovals }
    var request = request
    request.entries = [
      try record(
        AuditEntry(
          actor: request.requester, operation: .keysDestroy,
          key: request.key.text, outcome: .waiting,
          reason: "approval=\(request.identifier) persons=\(request.persons)"
            + request.reason.words),
        in: &transaction)
    ]
    try request.write(&transaction)
    return request
  }

  /// The requests that wait; those whose time is over are removed, with an entry each.
  fileprivate func waitingApprovals(
    in transaction: inout StoreWriteTransaction
  ) throws(VaultError) -> [Approval] {
    let now = now
    var waiting: [Approval] = []
    for approval in try Approval.all(transaction) {
      guard approval.endMilliseconds <= now else {
        waiting.append(approval)
        continue
      }
      try transaction.removeRow(approval.rowKey)
      try record(
        AuditEntry(
          actor: AuditEntry.systemActor, operation: .keysDestroy,
          key: approval.key.text, outcome: .expired,
          reason: "approval=\(approval.identifier)"),
        in: &transaction)
    }
    return waiting
  }

  fileprivate func approve(
    _ identifier: String, actor: String, persons: Int,
    in transaction: inout StoreWriteTransaction
  ) throws(VaultError) -> DestructionAnswer {
    let waiting = try waitingApprovals(in: &transaction)
    guard var approval = waiting.first(where: { $0.identifier == identifier }) else {
      throw .unknownApproval
    }
    guard actor != approval.requester, !approval.approvers.contains(actor) else {
      throw .samePerson
    }
    approval.approvers.append(actor)
    approval.persons = max(persons, approval.persons)
    approval.entries.append(
      try record(
        AuditEntry(
          actor: actor, operation: .approve, key: approval.key.text,
          outcome: .done,
          reason: "approval=\(identifier) requested_by=\(approval.requester)"),
        in: &transaction))
    guard approval.missing == 0 else {
      try approval.write(&transaction)
      return .waits(approval)
    }
    try transaction.removeRow(approval.rowKey)
    try beginDestruction(
      DestructionOrder(
        key: approval.key, actor: approval.requester, beganMilliseconds: now,
        reason: approval.reason, approvers: approval.approvers, entries: approval.entries),
      approval: identifier, in: &transaction)
    return .begun
  }
}
