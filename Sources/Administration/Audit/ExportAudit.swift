internal import AuditLog
internal import JSON
internal import Storage

/// `audit export`: everything that an export holds, a line each: `{"checkpoint":NOTE}`, first the one
/// that it ends with, then every other that is kept; `{"keys":DOCUMENT}`, that of `keys public-key`; the
/// lines of the entries, see ``ExportVerifier``.
package struct ExportAudit: PlainAdminOperation {
  private static let checkpointsInOneRead = 1_024

  package static let route = AdminRoute.post("/v1/audit/export")
  package var terms: AdminTerms { AdminTerms(.audit, .long, .lines, .auditExport) }

  package init() {}

  package func run(_ call: AdminCall) throws {
    try call.record(.done)
    let newest = try call.currentCheckpoint()
    let keys = try call.publicKeys()
    try call.sink(.lines(Self.checkpointLine(newest.note.encoded)))
    var next: UInt64 = 0
    while next < newest.size {
      let rows = try call.store.read { (transaction) throws(AuditError) in
        try KeptCheckpoints.rows(
          from: next, limit: Self.checkpointsInOneRead, in: transaction)
      }
      for row in rows where row.size < newest.size {
        try call.sink(.lines(Self.checkpointLine(String(decoding: row.note, as: UTF8.self))))
      }
      next = rows.last.map { $0.size + 1 } ?? newest.size
    }
    try call.sink(.lines(Array("{\"keys\":".utf8) + keys + Array("}\n".utf8)))
    let lines = ExportLines(call.store)
    var sequence: UInt64 = 0
    while sequence < newest.size {
      let page = try lines.page(from: sequence, below: newest.size)
      try call.sink(.lines(page.bytes))
      sequence = page.next
    }
  }

  private static func checkpointLine(_ note: String) -> [UInt8] {
    JSONWriter.document { $0.member("checkpoint", string: note) } + [UInt8(ascii: "\n")]
  }
}
