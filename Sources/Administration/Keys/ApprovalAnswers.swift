internal import AuditLog
internal import Cryptography
internal import JSON
internal import Keyring
internal import RecordFormat
internal import VaultManagement

extension AdminCall {
  /// Tells what came of a request or of its approval; of a destruction, when it is at its end.
  func tell(
    _ answer: ApprovalAnswer, of subject: ApprovalSubject, _ vault: VaultManager?
  ) throws {
    let persons = persons(subject.kind)
    if let key = subject.key {
      let vault = try vault ?? self.vault()
      var waiting: Approval?
      if case .waits(let approval) = answer {
        waiting = approval
      } else {
        try followKeyWork(vault) { try vault.keyring.entry(key)?.state == .destroying }
      }
      return try self.answer(
        vault.destructionDocument(of: key, approval: waiting, persons: persons))
    }
    try self.answer { json in
      json.member("operation", string: subject.kind.operation.rawValue)
      switch answer {
      case .waits(let approval):
        if case .ceremony = subject { json.member("granted", boolean: false) }
        json.write(approval, persons: persons)
      case .begun: json.write(nil, persons: persons)
      case .granted(let approval):
        json.member("granted", boolean: true)
        json.write(approval, persons: persons)
      case .forgotten(let record):
        record.write(to: &json)
        json.member("file_exists", boolean: FileFacts.exists(record.path))
        json.write(nil, persons: persons)
      case .archived(let mark, let isRemoved):
        json.member("below", integer: mark.below)
        json.member("kept", integer: mark.kept.count)
        json.member("removed", boolean: isRemoved)
        json.write(nil, persons: persons)
      }
    }
  }
}

extension JSONWriter {
  /// The members of an answer about the request that waits, or has waited: null, and what the policy asks
  /// for, where there is none.
  mutating func write(_ approval: Approval?, persons: Int) {
    member("approval", string: approval?.identifier)
    member("persons", integer: approval?.persons ?? persons)
    member("missing", integer: approval?.missing ?? 0)
  }
}

extension ApprovalSubject {
  /// What is asked, for those who are to approve it.
  var sentence: String {
    switch self {
    case .destroy(let key): "destroy the key \(key.text)"
    case .forget(let backup, let file):
      "forget the backup \(backup.text)"
        + (file == .zero ? ", which is unfinished" : ", whose file has the SHA-256 \(file.hex)")
    case .archive(let order):
      "archive the entries before \(order.below), whose export has the SHA-256 \(order.export.hex)"
    case .ceremony(let order):
      "hold a ceremony: any \(order.plan.threshold) of "
        + order.plan.custodians.map(\.text).joined(separator: ", ")
        + " hold the key of \(order.plan.vault.text)"
    }
  }
}
