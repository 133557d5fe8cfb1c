package import AuditLog
import Keyring
import RecordFormat
import Storage
package import VaultCore

/// What came of a request, or of an approval of it.
package enum ApprovalAnswer: Equatable, Sendable {
  /// Another person has to approve it.
  case waits(Approval)
  /// A destruction has begun, or goes on; ``VaultManager/keyWork`` tells how far it is.
  case begun
  /// The backup needs no key any more.
  case forgotten(BackupRecord)
  /// Lines are archived, and whether they are gone.
  case archived(ArchiveMark, isRemoved: Bool)
  /// The ceremony may be held until the request ends.
  case granted(Approval)
}

extension VaultManager {
  /// The requests that wait for approval, in the order of their identifiers.
  package func approvals() throws(VaultError) -> [Approval] {
    let now = books.now
    return try store.read { (transaction) throws(VaultError) in
      try Approval.all(transaction)
    }.filter { $0.endMilliseconds > now }
  }

  /// Lets no request that waits need fewer persons than the policy asks for from now on, by kind. A policy
  /// that asks for fewer later takes nothing back.
  package func raiseApprovals(to persons: [ApprovalKind: Int]) throws(VaultError) {
    func needed(_ approval: Approval) -> Int { persons[approval.subject.kind, default: 1] }
    guard try approvals().contains(where: { $0.persons < needed($0) }) else { return }
    try store.perform { [books] (transaction) throws(VaultError) in
      for var approval in try books.waitingApprovals(in: &transaction) {
        let needed = persons[approval.subject.kind, default: 1]
        guard approval.persons < needed else { continue }
        approval.persons = needed
        try approval.write(&transaction)
      }
    }
  }

  /// Approves a request; the last person who is missing has it done, in the commit of their approval, or
  /// allows it, where it is a ceremony.
  ///
  /// - Parameters:
  ///   - persons: how many the policy asks for now; the higher of this and of what it asked for at the
  ///     request counts.
  ///   - progress: told how much of what an archive is made of has been read; false ends it.
  /// - Throws: ``VaultError/unknownApproval``, ``VaultError/samePerson``, and what keeps it from being
  ///   done, such as ``VaultError/keyNeeded(_:_:)``; nothing has changed then, and the request waits on.
  package func approve(
    _ identifier: String, because reason: KeyReason = .none, actor: AuditActor, persons: Int,
    progress: (_ done: UInt64, _ total: UInt64) -> Bool = { _, _ in true }
  ) throws(VaultError) -> ApprovalAnswer {
    guard let waiting = try approvals().first(where: { $0.identifier == identifier }) else {
      throw .unknownApproval
    }
    switch waiting.subject {
    case .destroy(let key):
      let needs = try needs(of: key)
      guard needs.isEmpty else { throw .keyNeeded(key, needs) }
      let answer = try commit(identifier, because: reason, actor: actor, persons: persons)
      if answer == .begun { try beginDestructions() }
      return answer
    case .forget:
      // A backup that is under way would write its record anew.
      return try upkeep.exclusively { () throws(VaultError) in
        try commit(identifier, because: reason, actor: actor, persons: persons)
      }
    case .archive(let order):
      let prepared = try prepare(order, progress: progress)
      let answer = try commit(
        identifier, because: reason, actor: actor, persons: persons, archive: prepared)
      guard case .archived(let mark, _) = answer else { return answer }
      return .archived(mark, isRemoved: removeArchived(below: mark.below, progress: progress))
    case .ceremony:
      return try commit(identifier, because: reason, actor: actor, persons: persons)
    }
  }

  private func commit(
    _ identifier: String, because reason: KeyReason, actor: AuditActor, persons: Int,
    archive: PreparedArchive? = nil
  ) throws(VaultError) -> ApprovalAnswer {
    try store.perform { [books] (transaction) throws(VaultError) in
      try books.approve(
        identifier, because: reason, actor: actor, persons: persons, archive: archive,
        in: &transaction)
    }
  }

  /// Rejects a request: it is gone. Whoever asked may take it back in this way.
  ///
  /// - Throws: ``VaultError/unknownApproval``.
  package func reject(_ identifier: String, because reason: KeyReason, actor: AuditActor)
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
          actor: actor, operation: .reject, key: approval.subject.key?.text, outcome: .done,
          reason: "approval=\(identifier) requested_by=\(approval.requester)" + reason.words),
        in: &transaction)
    }
  }

  /// A request for what takes so many persons.
  func request(
    _ subject: ApprovalSubject, because reason: KeyReason, actor: AuditActor, persons: Int
  ) throws(VaultError) -> Approval {
    var request = Approval(
      identifier: try onKeys(KeyIdentifier.fresh(besides: [])).text, subject: subject,
      requester: actor.name, requestedMilliseconds: books.now, persons: persons, reason: reason)
    request.origin = actor.origin
    return request
  }
}

extension Books {
  /// Notes a request, or finds the one that is there for the same; nil where there is none and one person
  /// is enough.
  ///
  /// - Throws: ``VaultError/tooManyApprovals``.
  func wait(
    _ request: Approval, in transaction: inout StoreWriteTransaction
  ) throws(VaultError) -> Approval? {
    let waiting = try waitingApprovals(in: &transaction)
    if var known = waiting.first(where: { $0.subject == request.subject }) {
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
          actor: AuditActor(request.requester, from: request.origin),
          operation: request.subject.kind.operation,
          key: request.subject.key?.text, outcome: .waiting,
          reason: "approval=\(request.identifier) persons=\(request.persons)"
            + request.subject.words + request.reason.words),
        in: &transaction)
    ]
    try request.write(&transaction)
    return request
  }

  /// The requests that wait; those whose time is over are removed, with an entry each.
  func waitingApprovals(
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
          actor: .system, operation: approval.subject.kind.operation,
          key: approval.subject.key?.text, outcome: .expired,
          reason: "approval=\(approval.identifier)"),
        in: &transaction)
    }
    return waiting
  }

  /// Takes the approval of a ceremony up, which is held now; nil where one person is enough.
  ///
  /// - Throws: ``VaultError/ceremonyNeedsApproval`` where it takes more persons than have agreed to it.
  func useApproval(
    of order: CeremonyOrder, persons: Int, in transaction: inout StoreWriteTransaction
  ) throws(VaultError) -> Approval? {
    let waiting = try waitingApprovals(in: &transaction)
    let approval = try Approval.granting(order, persons: persons, among: waiting)
    if let approval { try transaction.removeRow(approval.rowKey) }
    return approval
  }

  fileprivate func approve(
    _ identifier: String, because reason: KeyReason, actor: AuditActor, persons: Int,
    archive: PreparedArchive?, in transaction: inout StoreWriteTransaction
  ) throws(VaultError) -> ApprovalAnswer {
    let waiting = try waitingApprovals(in: &transaction)
    guard var approval = waiting.first(where: { $0.identifier == identifier }) else {
      throw .unknownApproval
    }
    guard actor.name != approval.requester, !approval.approvers.contains(actor.name) else {
      throw .samePerson
    }
    // One person with two accounts is one person: the kernel keeps who has logged in.
    for sequence in approval.entries {
      guard let login = AuditActor.login(in: try transaction.logged(sequence)?.origin) else {
        continue
      }
      guard login != actor.login else { throw .samePerson }
    }
    approval.approvers.append(actor.name)
    approval.persons = max(persons, approval.persons)
    approval.entries.append(
      try record(
        AuditEntry(
          actor: actor, operation: .approve, key: approval.subject.key?.text, outcome: .done,
          reason: "approval=\(identifier) requested_by=\(approval.requester)" + reason.words),
        in: &transaction))
    guard approval.missing == 0 else {
      try approval.write(&transaction)
      return .waits(approval)
    }
    if case .ceremony = approval.subject {
      try approval.write(&transaction)
      return .granted(approval)
    }
    try transaction.removeRow(approval.rowKey)
    return try act(on: approval, archive: archive, in: &transaction)
  }

  /// Does what was asked, in the name of the one who asked.
  private func act(
    on approval: Approval, archive: PreparedArchive?,
    in transaction: inout StoreWriteTransaction
  ) throws(VaultError) -> ApprovalAnswer {
    switch approval.subject {
    case .destroy(let key):
      try beginDestruction(
        DestructionOrder(
          key: key, actor: approval.requester, beganMilliseconds: now,
          reason: approval.reason, approvers: approval.approvers, entries: approval.entries),
        approval: approval.identifier, in: &transaction)
      return .begun
    case .forget(let backup, let file):
      let (record, entry) = try BackupRecord.forget(
        backup, file: file, approval: approval.identifier, because: approval.reason,
        actor: AuditActor(approval.requester), in: &transaction)
      try self.record(entry, in: &transaction)
      return .forgotten(record)
    case .archive:
      guard let archive else { preconditionFailure("what an archive is made of was read before") }
      try self.archive(
        archive, approval: approval.identifier, because: approval.reason,
        actor: AuditActor(approval.requester), in: &transaction)
      return .archived(archive.mark, isRemoved: false)
    case .ceremony(let order):
      preconditionFailure("a ceremony of \(order.plan.vault.text) is held by those who hold it")
    }
  }
}

extension Approval {
  /// The request, among those that wait, that allows a ceremony to be held; nil where one person is enough.
  ///
  /// - Throws: ``VaultError/ceremonyNeedsApproval``.
  static func granting(
    _ order: CeremonyOrder, persons: Int, among waiting: [Approval]
  ) throws(VaultError) -> Approval? {
    guard let approval = waiting.first(where: { $0.subject == .ceremony(order) }) else {
      guard persons <= 1 else { throw .ceremonyNeedsApproval }
      return nil
    }
    guard max(persons, approval.persons) - 1 <= approval.approvers.count else {
      throw .ceremonyNeedsApproval
    }
    return approval
  }
}
