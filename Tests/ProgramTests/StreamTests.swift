import Glibc
import Testing

@testable import cadenas_dev

/// A socket that takes datagrams, as the journal's does.
private final class Receiver {
  private let descriptor: Int32
  private let path: String

  init(_ path: String) throws {
    self.path = path
    descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let bytes = Array(path.utf8)
    guard bytes.count < 108 else { throw Stage.Failed("\(path) is too long") }
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
    let bound = unsafe withUnsafePointer(to: address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard bound == 0, unsafe chmod(path, 0o666) == 0 else {
      throw Stage.Failed("no socket at \(path)")
    }
  }

  /// What has come since.
  func take() -> [String] {
    var messages: [String] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = unsafe recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
      guard count > 0 else { return messages }
      messages.append(String(decoding: buffer.prefix(count), as: UTF8.self))
    }
  }

  deinit {
    close(descriptor)
    unsafe unlink(path)
  }
}

extension EndToEnd {
  /// Entries that go to a collector as they are written.
  @Suite struct StreamTests {
    private func stage(
      _ stream: String, _ body: (Stage, String) async throws -> Void
    ) async throws {
      try await Stage.withStage(adjust: {
        $0 + "audit: {stream: \(stream), stream_socket: stream.sock}\n"
      }) { stage in try await body(stage, "\(stage.directory)/stream.sock") }
    }

    /// The sequence of the entry in a datagram's last line.
    private func sequence(_ message: String) throws -> Int {
      let line = message.drop { $0 != "{" }.prefix { $0 != "\n" }
      return try #require(try JSONMembers(Array(line.utf8)).integer("seq"))
    }

    /// What `check` says of the stream.
    private func check(_ stage: Stage) throws -> String {
      let command = stage.programs.vaultCommand(["check", "--config", stage.configuration])
      let text = try ChildProcess.run(
        ["sh", "-c", #""$@" --format json || true"#, "sh"] + command)
      return String(
        text.split(separator: "{\"severity\":").last { $0.contains("stream.sock") } ?? "")
    }

    private func metric(_ name: String, _ stage: Stage) throws -> Int? {
      try stage.cadenas("metrics").split(separator: "\n")
        .first { $0.hasPrefix(name + " ") }.flatMap { Int($0.dropFirst(name.count + 1)) }
    }

    @Test func everyEntryComesInItsOrderAndWhatWaitedForTheCollectorToo() async throws {
      try await stage("journal") { stage, path in
        try await stage.logLine(with: "entries do not reach the journal; they wait")
        #expect(try check(stage).hasPrefix("\"warning\""))
        _ = try await stage.token(of: TestCard.mastercard)
        let first = try Receiver(path)
        var messages: [String] = []
        try await eventually("the tokenize came") {
          messages += first.take()
          return messages.contains { $0.contains("\"operation\":\"tokenize\"") }
        }
        try await stage.logLine(with: "entries reach the journal again")
        #expect(try check(stage).hasPrefix("\"ok\""))
        let lines = messages.map { $0.split(separator: "\n") }
        #expect(lines.allSatisfy { $0[1] == "SYSLOG_IDENTIFIER=cadenas-audit" })
        for _ in 0..<20 { expect(try await stage.ask(.delete("tok_x")), 404, "token-not-found") }
        try await eventually("the deletions came") {
          messages += first.take()
          return messages.count { $0.contains("token-not-found") } == 20
        }
        let sequences = try messages.map { try sequence($0) }
        #expect(
          sequences
            == Array((sequences.first ?? 0)..<(sequences.first ?? 0) + Int(messages.count)))
        // What the log holds is what came, to the byte.
        let shown = try stage.cadenas(
          "audit", "show", "--format", "json", "--after", "\((sequences.first ?? 1) - 1)"
        ).split(separator: "\n").prefix(messages.count)
        #expect(
          shown.map { "MESSAGE=\($0)" } == messages.map { String($0.split(separator: "\n")[3]) })
        #expect(try metric("cadenas_audit_stream_left_out_total", stage) == 0)
        #expect(try (metric("cadenas_audit_stream_sent_total", stage) ?? 0) >= messages.count)
      }
    }

    @Test func whatNobodyTookIsSaidAtTheEndAndCanBeHadAfterwards() async throws {
      try await stage("syslog") { stage, path in
        var receiver: Receiver? = try Receiver(path)
        _ = try await stage.token(of: TestCard.mastercard)
        var last: Int = 0
        try await eventually("the tokenize came") {
          let messages = receiver?.take() ?? []
          last = try messages.last.map { try sequence($0) } ?? last
          #expect(messages.allSatisfy { $0.hasPrefix("<86>cadenas-audit[") })
          return messages.contains { $0.contains("\"operation\":\"tokenize\"") }
        }
        // Nobody waits for a collector that has gone.
        receiver = nil
        for _ in 0..<20 { expect(try await stage.ask(.delete("tok_x")), 404, "token-not-found") }
        try await stage.stop()
        let line = try await stage.logLine(
          with: "entries of the audit log were left out of the stream")
        #expect(line.contains("cadenas audit show --after"))
        try await stage.start()
        let missed = try stage.cadenas("audit", "show", "--format", "json", "--after", "\(last)")
          .split(separator: "\n").map { try sequence(String($0)) }
        #expect(missed.first == last + 1 && missed.count > 20)
        _ = receiver
      }
    }
  }
}
