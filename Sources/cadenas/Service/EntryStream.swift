import ConfigurationReading
import Glibc
import Logging
import ServiceLog
import Synchronization
import SystemCalls

/// Sends every entry of the audit log to the journal or to syslog, once it is durable, on a thread of its
/// own.
///
/// Nobody waits for it: what finds no room in its queue is left out, counted and told, with the sequences
/// between which it is missing; `cadenas audit show --after` has it.
final class EntryStream: Sendable {
  /// Lines that wait, and the bytes of all of them.
  static let mostLines = 16_384
  static let mostBytes = 16 << 20
  /// How long the receiver may take one line, in seconds, before the thread looks whether it is to end.
  private static let sendSeconds = 1
  private static let pause = Duration.seconds(1)

  struct Counts: Equatable {
    var sent: UInt64 = 0
    var leftOut: UInt64 = 0
  }

  private struct State {
    var waiting: [(sequence: UInt64, line: [UInt8])] = []
    var bytes = 0
    var counts = Counts()
    /// The first and last that were left out and not told yet.
    var untold: ClosedRange<UInt64>?
    var isEnding = false
    var hasEnded = false

    mutating func leaveOut(_ sequence: UInt64) {
      counts.leftOut += 1
      untold =
        untold.map { min($0.lowerBound, sequence)...max($0.upperBound, sequence) }
        ?? sequence...sequence
    }
  }

  private let kind: AuditSettings.Stream
  private let path: String
  private let logger: Logger
  private let state = Monitor(State())

  /// - Throws: ``SystemFailure`` where there is no thread to be had.
  init(_ kind: AuditSettings.Stream, to path: String, logger: Logger) throws(SystemFailure) {
    self.kind = kind
    self.path = path
    self.logger = logger
    _ = try WorkerThread(named: "cadenas-stream") { [self] in run() }
  }

  var counts: Counts { state.withLock { $0.counts } }

  /// Has the line of an entry be sent. Waits for nobody.
  func add(_ sequence: UInt64, _ line: [UInt8]) {
    let isAdded = state.withLock { state in
      guard state.waiting.count < Self.mostLines, state.bytes + line.count <= Self.mostBytes,
        !state.isEnding
      else {
        state.leaveOut(sequence)
        return false
      }
      state.waiting.append((sequence, line))
      state.bytes += line.count
      return true
    }
    if isAdded { state.signal() }
  }

  /// Sends what waits, for at most `limit`, and nothing after it.
  func finish(within limit: Duration) {
    state.withLock { $0.isEnding = true }
    state.broadcast()
    _ = state.wait(for: limit) { $0.hasEnded ? () : nil }
    tell()
  }

  // MARK: - The thread

  private func run() {
    var socket = DatagramSocket(path, sendSeconds: Self.sendSeconds)
    var isFailing = false
    while let lines = take() {
      for (sequence, line) in lines {
        deliver(kind.message(line, sequence), of: sequence, by: &socket, &isFailing)
        state.withLock { $0.bytes -= line.count }
      }
      tell()
    }
    state.withLock { $0.hasEnded = true }
    state.broadcast()
  }

  /// Sends one message, as often as it takes.
  private func deliver(
    _ message: [UInt8], of sequence: UInt64, by socket: inout DatagramSocket,
    _ isFailing: inout Bool
  ) {
    while true {
      let error = socket.send(message)
      if error == 0 {
        state.withLock { $0.counts.sent += 1 }
        if isFailing { logger.notice("entries reach the \(kind.rawValue) again") }
        isFailing = false
        return
      }
      // One that nobody takes, however often it is sent, holds up no other.
      guard error != EMSGSIZE, !isEnding else {
        return state.withLock { $0.leaveOut(sequence) }
      }
      if !isFailing { report(error) }
      isFailing = true
      // A full receiver was waited for already.
      if error != EAGAIN { _ = state.wait(for: Self.pause) { $0.isEnding ? () : nil } }
    }
  }

  private var isEnding: Bool { state.withLock { $0.isEnding } }

  /// The lines to send next; nil at the end.
  private func take() -> [(sequence: UInt64, line: [UInt8])]? {
    state.waitUntil { state -> [(sequence: UInt64, line: [UInt8])]?? in
      if !state.waiting.isEmpty {
        defer { state.waiting = [] }
        return state.waiting
      }
      return state.isEnding ? .some(nil) : nil
    }
  }

  private func report(_ error: Int32) {
    logger.error(
      "entries do not reach the \(kind.rawValue); they wait",
      metadata: ["socket": "\(path)", "reason": "\(systemMessage(error))"])
  }

  /// Says which entries were left out, where any were.
  private func tell() {
    let untold = state.withLock { state in
      defer { state.untold = nil }
      return state.untold
    }
    guard let untold else { return }
    logger.error(
      "entries of the audit log were left out of the stream",
      metadata: [
        "from": "\(untold.lowerBound)", "to": "\(untold.upperBound)",
        "remedy": "cadenas audit show --after \(untold.lowerBound - min(1, untold.lowerBound))",
      ])
  }
}

extension AuditSettings.Stream {
  private static let identifier = "cadenas-audit"

  /// The datagram about an entry.
  fileprivate func message(_ line: [UInt8], _ sequence: UInt64) -> [UInt8] {
    switch self {
    // The line has no line feed.
    case .journal:
      Array(
        "PRIORITY=6\nSYSLOG_IDENTIFIER=\(Self.identifier)\nCADENAS_SEQ=\(sequence)\nMESSAGE=".utf8)
        + line + [UInt8(ascii: "\n")]
    // Facility authpriv (10), severity informational (6).
    case .syslog: Array("<86>\(Self.identifier)[\(getpid())]: ".utf8) + line
    }
  }
}
