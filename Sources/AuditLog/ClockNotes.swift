internal import Storage

extension AuditEntry {
  /// The note that the clock went backwards.
  static let clockWentBackwards = AuditEntry(
    actor: systemActor, operation: clockOperation, outcome: "backwards")

  /// The note that the clock jumped ahead while the process ran.
  package static func clockJumped(bySeconds seconds: Int64) -> AuditEntry {
    AuditEntry(
      actor: systemActor, operation: clockOperation, outcome: jumpedOutcome,
      reason: "+\(seconds)s")
  }

  private static let clockOperation = "clock"
  private static let jumpedOutcome = "jumped"

  /// By how much the clock jumped, where the entry is a note of that.
  fileprivate var jumpMilliseconds: Int64? {
    guard operation == Self.clockOperation, outcome == Self.jumpedOutcome,
      let reason, reason.first == "+", reason.last == "s",
      let seconds = Int64(reason.dropFirst().dropLast()), seconds >= 0
    else { return nil }
    let (product, isTooLarge) = seconds.multipliedReportingOverflow(by: 1_000)
    return isTooLarge ? nil : product
  }
}

extension AuditEnd {
  /// For how long before the last entry a jump counts, in milliseconds.
  private static let jumpAgeMilliseconds: Int64 = 86_400_000

  /// The time of the last entry, less the jumps ahead of the day before it that the newest entries
  /// note: a process that is started anew just after a jump does not take it for time that has passed.
  ///
  /// Looks at ``AuditLimits/linesInOneTransaction`` entries at most, since a start is not to wait.
  static func settledMilliseconds(
    in store: Store, latest: Int64
  ) throws(AuditError) -> Int64 {
    var jumped: Int64 = 0
    var looked = 0
    do {
      try store.read { transaction in
        try transaction.forEach(in: .audit, reversed: true) { _, line in
          looked += 1
          guard let logged = LoggedEntry(line: line),
            latest.subtractingReportingOverflow(logged.timeMilliseconds).partialValue
              < jumpAgeMilliseconds
          else { return false }
          jumped = jumped.addingReportingOverflow(logged.entry.jumpMilliseconds ?? 0).partialValue
          return looked < AuditLimits.linesInOneTransaction
        }
      }
    } catch let error as StorageError {
      throw .store(error)
    } catch {
      throw .damaged("the newest entries cannot be read")
    }
    return latest.subtractingReportingOverflow(jumped).partialValue
  }
}
