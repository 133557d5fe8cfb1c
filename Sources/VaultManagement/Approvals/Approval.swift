import Bytes
import Ledgers
import RecordFormat
import Storage
import VaultCore

/// A request that waits until enough different persons want it or, of a ceremony, until it is held.
///
/// Row of `meta`: `approval/` ‖ identifier → a ``TextRow``. A destruction is of version 1: version, key id,
/// who asked, Unix ms, persons, ticket, reason, audit entries, and each approver. All else is of version 2:
/// version, kind, who asked, Unix ms, persons, ticket, reason, audit entries, the number of texts of what
/// is asked, those texts (see ``ApprovalSubject/texts``), and each approver.
package struct Approval: Equatable, Sendable {
  /// For how long a request waits, in milliseconds.
  package static let lifetimeMilliseconds: UInt64 = 7 * 86_400_000
  /// How many requests wait at most.
  package static let most = 64

  private static let prefix = Array("approval/".utf8)

  /// Eight hexadecimal digits by which people name it.
  package let identifier: String
  /// What is to be done.
  package let subject: ApprovalSubject
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
  package var approvers: [String] = []
  /// The audit entries about it.
  var entries: [UInt64] = []
  /// From where it was asked, while that is noted: entries keep it, the row does not.
  var origin: String?

  /// When it ends by itself, in Unix milliseconds.
  package var endMilliseconds: UInt64 { requestedMilliseconds + Self.lifetimeMilliseconds }

  /// How many persons are still missing.
  package var missing: Int { max(0, persons - 1 - approvers.count) }

  var rowKey: [UInt8] { Self.prefix + Array(identifier.utf8) }

  func write(_ transaction: inout StoreWriteTransaction) throws(VaultError) {
    try transaction.putRow(TextRow.encode(texts + approvers), at: rowKey)
  }

  /// Every request that waits.
  static func all(_ transaction: borrowing some StoreReading & ~Copyable) throws(VaultError)
    -> [Approval]
  {
    var found: [Approval] = []
    try transaction.forEachRow(prefix) { (key, row) throws(VaultError) in
      let identifier = String(decoding: key.dropFirst(prefix.count), as: UTF8.self)
      let texts = try onLedger(TextRow.decode(row.array))
      guard let approval = Approval(identifier: identifier, texts) else { throw .malformedRow }
      found.append(approval)
    }
    return found
  }

  init(
    identifier: String, subject: ApprovalSubject, requester: String,
    requestedMilliseconds: UInt64, persons: Int, reason: KeyReason
  ) {
    self.identifier = identifier
    self.subject = subject
    self.requester = requester
    self.requestedMilliseconds = requestedMilliseconds
    self.persons = persons
    self.reason = reason
  }
}

// MARK: - Rows

extension Approval {
  /// The texts of the row before the approvers.
  private var texts: [String] {
    let common = [
      requester, String(requestedMilliseconds), String(persons), reason.ticket, reason.text,
      TextRow.text(entries),
    ]
    if case .destroy(let key) = subject { return ["1", key.text] + common }
    let texts = subject.texts
    return ["2", subject.kind.rawValue] + common + [String(texts.count)] + texts
  }

  /// Reads the texts of a row; nil where they have no valid form.
  private init?(identifier: String, _ texts: [String]) {
    guard texts.count >= 8, let requested = UInt64(texts[3]), let persons = Int(texts[4]),
      let reason = KeyReason(ticket: texts[5], text: texts[6]),
      let entries = TextRow.numbers(texts[7])
    else { return nil }
    var rest = texts[8...]
    let subject: ApprovalSubject?
    switch texts[0] {
    case "1": subject = ApprovalSubject(.destroy, [texts[1]])
    case "2":
      guard let kind = ApprovalKind(rawValue: texts[1]),
        let count = rest.first.flatMap({ Int($0) }),
        (0..<rest.count).contains(count)
      else { return nil }
      subject = ApprovalSubject(kind, Array(rest.dropFirst().prefix(count)))
      rest = rest.dropFirst(1 + count)
    default: return nil
    }
    guard let subject else { return nil }
    self.init(
      identifier: identifier, subject: subject, requester: texts[2],
      requestedMilliseconds: requested, persons: persons, reason: reason)
    approvers = Array(rest)
    self.entries = entries
  }
}
