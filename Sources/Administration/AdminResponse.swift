internal import JSON
internal import NIOCore
internal import NIOHTTP1
internal import Synchronization

/// The answer to one request, written from a thread that waits until each part has left.
///
/// A document comes with its length. Lines and progress come in chunks, so an error after the first
/// one is told in the last line, or, among lines of the log, by a connection that breaks off.
final class AdminResponse: Sendable {
  private enum Progress: Equatable {
    case notBegun
    /// Chunks have been sent.
    case streaming(AnswerForm)
    case complete
  }

  private let channel: any Channel
  private let progress = Mutex(Progress.notBegun)

  init(_ channel: any Channel) { self.channel = channel }

  /// Sends one part of an answer that has the form `form`.
  func send(_ part: AdminPart, form: AnswerForm) throws {
    switch part {
    case .document(let json):
      if form == .progress {
        try chunk(Self.line("result", json), form)
      } else {
        try whole(200, "application/json", json + [UInt8(ascii: "\n")])
      }
    case .metrics(let text): try whole(200, "text/plain; version=0.0.4", text)
    case .lines(let lines): try chunk(lines, form)
    case .progress(let done, let total):
      let json = JSONWriter.document { json in
        json.member("done", integer: done)
        json.member("total", integer: total)
      }
      try chunk(Self.line("progress", json), form)
    }
  }

  /// Ends an answer in chunks; where there were none, it is an empty one.
  func end() {
    switch progress.withLock({ $0 }) {
    case .notBegun:
      do { try begin(.lines) } catch { return }
      finish()
    case .streaming: finish()
    case .complete: break
    }
  }

  /// Tells why there is no answer, or no more of it.
  func fail(_ error: AdministrationError) {
    switch progress.withLock({ $0 }) {
    case .notBegun: fail(error.kind.rawValue, error.kind.httpStatus, error.detail)
    case .streaming(.progress):
      try? chunk(
        Self.line(
          "error", Self.problem(error.kind.rawValue, error.kind.httpStatus, error.detail)),
        .progress)
      finish()
    case .streaming: channel.close(promise: nil)
    case .complete: break
    }
  }

  /// Tells that there is nothing that could be asked in this way.
  func notFound() {
    fail("no-such-resource", 404, "this version of the service knows no such request")
  }

  private func fail(_ name: String, _ status: Int, _ detail: String) {
    let problem = Self.problem(name, status, detail) + [UInt8(ascii: "\n")]
    // Whoever has gone away needs no answer.
    try? whole(status, "application/problem+json", problem)
  }

  private func whole(_ status: Int, _ type: String, _ body: [UInt8]) throws {
    var head = Self.head(status, type)
    head.headers.add(name: "Content-Length", value: String(body.count))
    try write(.head(head))
    try write(.body(.byteBuffer(ByteBuffer(bytes: body))))
    finish()
  }

  private func begin(_ form: AnswerForm) throws {
    let isFirst = progress.withLock { progress in
      defer { progress = .streaming(form) }
      return progress == .notBegun
    }
    guard isFirst else { return }
    var head = Self.head(200, "application/x-ndjson")
    head.headers.add(name: "Transfer-Encoding", value: "chunked")
    try write(.head(head))
  }

  private func chunk(_ bytes: [UInt8], _ form: AnswerForm) throws {
    try begin(form)
    try write(.body(.byteBuffer(ByteBuffer(bytes: bytes))))
  }

  /// Waits until the part has left. On the event loop, where only refusals come from, it does not.
  private func write(_ part: HTTPServerResponsePart) throws {
    if channel.eventLoop.inEventLoop {
      channel.write(part, promise: nil)
    } else {
      try channel.writeAndFlush(part).wait()
    }
  }

  private func finish() {
    progress.withLock { $0 = .complete }
    let channel = channel
    channel.writeAndFlush(HTTPServerResponsePart.end(nil)).whenComplete { _ in
      channel.close(promise: nil)
    }
  }

  private static func head(_ status: Int, _ type: String) -> HTTPResponseHead {
    HTTPResponseHead(
      version: .http1_1, status: HTTPResponseStatus(statusCode: status),
      headers: [
        "Content-Type": type, "Cache-Control": "no-store", "Connection": "close",
      ])
  }

  /// `{"NAME":JSON}` and an end of line.
  private static func line(_ name: String, _ value: [UInt8]) -> [UInt8] {
    JSONWriter.document { json in
      json.name(JSONName(name))
      json.rawValue(value)
    } + [UInt8(ascii: "\n")]
  }

  /// - Source: RFC 9457.
  private static func problem(_ name: String, _ status: Int, _ detail: String) -> [UInt8] {
    JSONWriter.document { json in
      json.member("type", string: "urn:cadenas:problem:\(name)")
      json.member("title", string: name)
      json.member("status", integer: status)
      json.member("detail", string: detail)
    }
  }
}
