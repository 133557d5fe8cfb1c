/// Every operation that can be asked.
enum AdminRegistry {
  static let operations: [any AdminOperation.Type] = [
    ShowStatus.self, ShowOwnStatus.self, ShowMetrics.self, ShowKeys.self, ShowKeyCertificate.self,
    ShowPublicKeys.self, ShowKeyHistory.self, ShowInventory.self, RotateKey.self, Reencrypt.self,
    StopReencryption.self, DeactivateKey.self, CompromiseKey.self, DestroyKey.self,
    ListApprovals.self, Approve.self, Reject.self, Seal.self, Unseal.self, EnterUnsealShare.self,
    EnterCeremonyShare.self, ShowShares.self, AskForCeremony.self, ReplaceCustodians.self,
    ShowAudit.self,
    VerifyAudit.self,
    ReportAudit.self, SignCheckpoint.self, ProveAudit.self, ExportAudit.self,
    FindArchivable.self, ArchiveAudit.self, ShowStore.self, VerifyStore.self, BackUpStore.self,
    ListBackups.self, ForgetBackup.self, CompactStore.self, RemoveDamaged.self, AddHoneytoken.self,
    ListHoneytokens.self, RemoveHoneytoken.self, ShowAcquirers.self, TestAcquirer.self,
    ShowAccess.self,
  ]

  /// Reads the method and the target of a request; nil where no such thing can be asked.
  /// - Throws: ``AdministrationError/malformedRequest(_:)`` for a query that has no valid form.
  static func parse(
    method: String, target: String
  ) throws(AdministrationError) -> (any AdminOperation)? {
    let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    let query = parts.count == 2 ? parts[1] : ""
    let operation = operations.first {
      $0.route.method == method && $0.route.path == parts[0]
    }
    guard let operation, query.isEmpty || !operation.route.names.isEmpty else { return nil }
    return try operation.init(Query(query, knowing: operation.route.names))
  }
}
