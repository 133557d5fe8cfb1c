internal import Bytes
internal import Glibc

/// Asks the running service through its administration socket. Blocking, for a command line.
package struct AdminClient: Sendable {
  /// Seconds without a byte after which the service counts as not answering. Long operations tell
  /// how far they are more often than that.
  package static let patienceSeconds = 30

  private let path: String
  private let patienceSeconds: Int

  /// A client of the service whose socket is at `path`.
  package init(path: String, patienceSeconds: Int = Self.patienceSeconds) {
    self.path = path
    self.patienceSeconds = patienceSeconds
  }

  /// Why there is no answer.
  package enum Failure: Error, Equatable, Sendable {
    /// The service could not be reached, or broke off.
    case socket(AdminSocketError)
    /// The service answered that it will not, or cannot: the problem's name and a sentence.
    case problem(status: Int, name: String, detail: String)
  }

  /// Asks `operation`, and gives each part of the answer to `sink` as it comes.
  /// - Throws: ``Failure``, or what `sink` throws.
  package func run(
    _ operation: any AdminOperation, body: AdminBody? = nil, into sink: (AdminPart) throws -> Void
  ) throws {
    try receive(operation, from: send(operation, body), into: sink)
  }

  private func send(_ operation: any AdminOperation, _ body: AdminBody?) throws -> AdminConnection {
    do throws(AdminSocketError) {
      let connection = try AdminConnection(path: path, patienceSeconds: patienceSeconds)
      let text =
        "\(operation.route.method) \(operation.target) HTTP/1.1\r\nHost: cadenas\r\n"
        + "Content-Length: \(body?.count ?? 0)\r\nConnection: close\r\n\r\n"
      try connection.send(text.utf8Span.span.rawSpan)
      try body?.withBytes { bytes throws(AdminSocketError) in try connection.send(bytes) }
      return connection
    } catch { throw Failure.socket(error) }
  }

  private func receive(
    _ operation: any AdminOperation, from connection: borrowing AdminConnection,
    into sink: (AdminPart) throws -> Void
  ) throws {
    var reader = HTTPResponseReader()
    var assembler = AnswerAssembler(form: operation.terms.form)
    while !reader.isComplete {
      let bytes: [UInt8]
      do throws(AdminSocketError) { bytes = try connection.receive() } catch {
        throw Failure.socket(error)
      }
      guard !bytes.isEmpty, let body = reader.read(bytes) else {
        // The end came before the answer's, or what came is no answer.
        throw Failure.socket(bytes.isEmpty ? .noAnswer(path) : .malformedAnswer(path))
      }
      if reader.status == 200 {
        for part in try assembler.parts(of: body, isComplete: reader.isComplete, path: path) {
          try sink(part)
        }
      } else {
        assembler.keep(body)
      }
    }
    if let status = reader.status, status != 200 { throw assembler.problem(status: status) }
    guard assembler.isSatisfied else { throw Failure.socket(.noAnswer(path)) }
  }
}

/// A connection to the administration socket.
struct AdminConnection: ~Copyable {
  private let descriptor: Int32
  private let path: String

  init(path: String, patienceSeconds: Int) throws(AdminSocketError) {
    self.path = path
    descriptor = try AdminSocket.connect(path: path)
    var patience = timeval(tv_sec: patienceSeconds, tv_usec: 0)
    let size = socklen_t(MemoryLayout<timeval>.size)
    for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
      unsafe setsockopt(descriptor, SOL_SOCKET, option, &patience, size)
    }
  }

  deinit { close(descriptor) }

  func send(_ bytes: RawSpan) throws(AdminSocketError) {
    var sent = 0
    while sent < bytes.byteCount {
      let count = unsafe bytes.extracting(sent...).withUnsafeBytes {
        unsafe Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      if count < 0 {
        if errno == EINTR { continue }
        // A service that refuses early may have answered already: the answer is read.
        if errno == EPIPE { return }
        throw .noAnswer(path)
      }
      sent += count
    }
  }

  /// The next bytes; none at the end.
  func receive() throws(AdminSocketError) -> [UInt8] {
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = unsafe buffer.withUnsafeMutableBytes {
        unsafe recv(descriptor, $0.baseAddress, $0.count, 0)
      }
      if count >= 0 { return Array(buffer.prefix(count)) }
      guard errno == EINTR else { throw .noAnswer(path) }
    }
  }
}
