import AuditLog
import Bytes
import Glibc
import JSON
import Logging
import NIOCore
import NIOPosix
import Storage
import TestSupport
import Testing

@testable import Administration

@Suite("The administration socket")
struct AdminServerTests {
  @Test("tells how the service is, and leaves no entry of it")
  func status() throws {
    let service = try TestService(entries: 3)
    try service.serving { _, client in
      let status = try client.collect(ShowStatus()).documents
      #expect(status.count == 1)
      #expect(
        status[0].hasPrefix(
          """
          {"state":"serving","version":"1.2.3","commit":null,"program_sha256":null,\
          "configuration_sha256":null,"development":true,"pid":42,\
          "started":"2026-11-23T18:43:25Z","uptime_seconds":7,"listen":"127.0.0.1:8443",\
          "connections":3,"payments_in_flight":1,"policy_generation":1,\
          "store":"0102030405060708090a0b0c0d0e0f10","cards":0,"audit_entries":3,
          """))
      let metrics = try client.collect(ShowMetrics()).metrics
      #expect(metrics.contains("\ncadenas_audit_entries 3\n"))
      #expect(metrics.contains("# TYPE cadenas_requests_total counter\ncadenas_requests_total 5\n"))
    }
    #expect(try service.lines(from: 3).isEmpty)
  }

  @Test("lists every key, after an entry of who asked")
  func keys() throws {
    let service = try TestService()
    try service.serving { _, client in
      let document = try #require(try client.collect(ShowKeys()).documents.first)
      #expect(document.hasPrefix(#"{"keys":[{"id":""#))
      for role in ["kek", "data", "fingerprint", "audit"] {
        #expect(document.contains(#""role":"\#(role)","state":"active","check_value":""#))
      }
      #expect(document.contains(#""created":"2026-11-23T18:43:25Z""#))
    }
    let entry = try #require(try service.lines(from: 0).first)
    #expect(entry.contains(#""actor":"\#(HostUser.currentActor.name)","operation":"keys.status""#))
  }

  @Test("shows the log as it is, whole, filtered, and its newest entries")
  func show() throws {
    let service = try TestService(entries: 10)
    try service.serving { _, client in
      let written = try service.lines(from: 0).map { $0 + "\n" }
      var query = AuditQuery()
      #expect(try client.collect(ShowAudit(query)).lines.hasPrefix(written.joined()))
      query.filter.token = "tok_4"
      #expect(try client.collect(ShowAudit(query)).lines == written[4])
      query.filter.token = "tok_none"
      #expect(try client.collect(ShowAudit(query)).lines.isEmpty)
      query.filter.token = nil
      query.filter.operation = "delete"
      query.limit = 2
      #expect(try client.collect(ShowAudit(query)).lines == written[9] + written[8])
    }
    #expect(try service.lines(from: 10).count == 4)
  }

  @Test("verifies the log, and tells the first bad sequence of a changed one")
  func verify() throws {
    let service = try TestService(entries: 5_000)
    try service.serving { _, client in
      let intact = try client.collect(VerifyAudit(since: nil))
      #expect(intact.progress == [4_096, 5_000])
      #expect(intact.documents.first?.hasPrefix(#"{"intact":true,"size":5000,"root":""#) == true)
      #expect(try service.lines(from: 5_000)[0].contains(#""outcome":"intact""#))
      let key = UInt64(7).bigEndianBytes
      try service.store.write { transaction in
        _ = try transaction.delete(key.rawSpan, in: .audit)
      }
      #expect(
        try client.collect(VerifyAudit(since: nil)).documents == [
          """
          {"intact":false,"size":5001,"root":null,"first_bad_sequence":7,\
          "reason":"entry-missing","detail":"the entry is missing","since":0,"archived":0,\
          "checkpoints":0,"signatures_verified":0,"covered":0}
          """
        ])
    }
  }

  @Test("verifies the records of the store")
  func storeVerify() throws {
    let service = try TestService(entries: 2)
    try service.serving { _, client in
      let document = try #require(try client.collect(VerifyStore()).documents.first)
      #expect(document.hasPrefix(#"{"intact":true,"records":0,"opened":0,"damaged":0,"#))
      try service.record([AuditEntry(actor: "a", operation: .tokenize, outcome: .created)])
      let missing = try #require(try client.collect(VerifyStore()).documents.first)
      #expect(missing.hasPrefix(#"{"intact":false,"#))
      #expect(missing.contains(#"{"name":"records-miscounted","#))
      let stats = try #require(try client.collect(ShowStore()).documents.first)
      #expect(stats.contains(#"{"name":"audit","entries":"#))
    }
  }

  @Test("refuses a user without a role, root too, and notes it")
  func noRole() throws {
    let service = try TestService()
    try service.serving(operators: []) { server, client in
      #expect {
        try client.collect(ShowKeys())
      } throws: { error in
        guard case AdminClient.Failure.problem(403, "not-permitted", _) = error else {
          return false
        }
        return true
      }
      server.update(
        access: AccessList(operators: [], auditors: [.user(HostUser.current.name ?? "")]))
      let keys = try client.collect(ShowKeys())
      #expect(keys.documents.count == 1)
    }
    let lines = try service.lines(from: 0)
    #expect(lines.count == 2)
    #expect(lines[0].contains(#""outcome":"refused","reason":"not-permitted""#))
  }

  @Test("has mode 0660, replaces the file of a dead process, and goes when it stops")
  func socketFile() throws {
    let service = try TestService()
    for _ in 0..<2 {
      try service.serving { _, _ in
        var status = stat()
        #expect(unsafe lstat(service.socketPath, &status) == 0)
        #expect(status.st_mode & 0o777 == 0o660)
      }
      #expect(unsafe access(service.socketPath, F_OK) == -1)
    }
    // A socket whose process ended without removing it.
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    unsafe withUnsafeMutableBytes(of: &address.sun_path) {
      unsafe $0.copyBytes(from: Array(service.socketPath.utf8))
    }
    let bound = unsafe withUnsafePointer(to: &address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    #expect(bound == 0)
    close(descriptor)
    try service.serving { _, client in
      let status = try client.collect(ShowStatus())
      #expect(status.documents.count == 1)
    }
  }

  @Test("is not taken from a service that answers on it")
  func inUse() throws {
    let service = try TestService()
    try service.serving { _, _ in
      #expect(throws: AdminSocketError.inUse(service.socketPath)) {
        try service.serving { _, _ in }
      }
    }
  }

  @Test("refuses a path that is too long and a group that does not exist")
  func badSettings() throws {
    let service = try TestService()
    let operations = try service.operations()
    let long = "/tmp/" + String(repeating: "x", count: 103)
    #expect(throws: AdminSocketError.pathTooLong(long)) {
      try AdminServer.start(
        path: long, socketGroup: nil, access: AccessList(operators: [], auditors: []),
        operations: operations, on: .singletonMultiThreadedEventLoopGroup,
        logger: .init(label: "test"))
    }
    #expect(throws: AdminSocketError.unknownGroup("no-such-group-here")) {
      try AdminServer.start(
        path: service.socketPath, socketGroup: "no-such-group-here",
        access: AccessList(operators: [], auditors: []), operations: operations,
        on: .singletonMultiThreadedEventLoopGroup, logger: .init(label: "test"))
    }
  }

  @Test("goes on after garbage, oversized bodies and requests that break off")
  func hostileInput() throws {
    let service = try TestService()
    try service.serving { _, client in
      let head = "POST /v1/audit/verify HTTP/1.1\r\nHost: x\r\n"
      let body = String(repeating: "x", count: AdminServer.Limits.bodyBytes + 1)
      for text in [
        "\u{1}\u{2}\u{3} no HTTP at all\r\n\r\n", head, head + "Content-Length: 10\r\n\r\nabc",
        head + "Content-Length: \(body.utf8.count)\r\n\r\n" + body,
        head + "Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        head + "X: " + String(repeating: "y", count: 100_000) + "\r\n\r\n",
      ] {
        let connection = try AdminConnection(path: service.socketPath, patienceSeconds: 5)
        try? connection.send(text.utf8Span.span.rawSpan)
      }
      let status = try client.collect(ShowStatus())
      #expect(status.documents.count == 1)
    }
  }

  @Test("serves many clients at once")
  func manyClients() async throws {
    let service = try TestService(entries: 100)
    let server = try AdminServer.start(
      path: service.socketPath, socketGroup: nil,
      access: AccessList(operators: [.user(HostUser.current.name ?? "")], auditors: []),
      operations: service.operations(), on: MultiThreadedEventLoopGroup.singleton,
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    defer { server.stop() }
    try await withThrowingTaskGroup(of: Int.self) { group in
      for _ in 0..<20 {
        group.addTask {
          try AdminClient(path: service.socketPath).collect(ShowStatus()).documents.count
        }
      }
      for try await count in group { #expect(count == 1) }
    }
  }

  @Test("where nobody listens, the client says so")
  func nobody() throws {
    let service = try TestService()
    let failure = AdminClient.Failure.socket(.noService(service.socketPath))
    #expect(throws: failure) { try AdminClient(path: service.socketPath).collect(ShowStatus()) }
  }
}
