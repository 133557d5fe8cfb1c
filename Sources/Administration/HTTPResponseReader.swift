/// Reads one HTTP/1.1 response as it comes: with a length, or in chunks.
///
/// It understands what ``AdminServer`` sends, and calls anything else malformed.
/// - Source: RFC 9112, sections 6 and 7.
struct HTTPResponseReader {
  /// The longest head, in bytes.
  static let longestHead = 8_192
  /// The longest line before a chunk, in bytes.
  private static let longestChunkLine = 32

  private enum State {
    case head
    case body(rest: Int)
    case chunkLine
    case chunk(rest: Int)
    case chunkEnd
    case trailer
    case complete
  }

  private var state = State.head
  private var pending: [UInt8] = []

  /// The status; nil before the head has come.
  private(set) var status: Int?

  /// Whether the whole response has come.
  var isComplete: Bool { if case .complete = state { true } else { false } }

  /// Takes the next bytes, and returns what of the body is in them; nil where the response is
  /// malformed.
  mutating func read(_ bytes: [UInt8]) -> [UInt8]? {
    pending += bytes
    var body: [UInt8] = []
    while !isComplete {
      switch state {
      case .head:
        guard let end = endOfHead() else {
          return pending.count > Self.longestHead ? nil : body
        }
        let head = String(decoding: pending[..<end], as: UTF8.self)
        pending.removeFirst(end)
        guard readHead(head) else { return nil }
      case .body(let rest), .chunk(let rest):
        guard !pending.isEmpty || rest == 0 else { return body }
        let count = min(rest, pending.count)
        body += pending.prefix(count)
        pending.removeFirst(count)
        advance(to: rest - count)
      case .chunkLine:
        guard let line = line() else {
          return pending.count > Self.longestChunkLine ? nil : body
        }
        guard let size = Int(line, radix: 16), size >= 0 else { return nil }
        state = size == 0 ? .trailer : .chunk(rest: size)
      case .chunkEnd, .trailer:
        guard let line = line() else { return pending.count >= 2 ? nil : body }
        guard line.isEmpty else { return nil }
        if case .trailer = state { state = .complete } else { state = .chunkLine }
      case .complete: break
      }
    }
    return body
  }

  private mutating func advance(to rest: Int) {
    switch state {
    case .body: state = rest == 0 ? .complete : .body(rest: rest)
    case .chunk: state = rest == 0 ? .chunkEnd : .chunk(rest: rest)
    case .head, .chunkLine, .chunkEnd, .trailer, .complete: break
    }
  }

  /// The index after the empty line that ends the head.
  private func endOfHead() -> Int? {
    let end: [UInt8] = [13, 10, 13, 10]
    guard pending.count >= end.count else { return nil }
    return (end.count...pending.count).first { pending[$0 - end.count..<$0].elementsEqual(end) }
  }

  private mutating func readHead(_ head: String) -> Bool {
    let lines = head.split(separator: "\r\n")
    let first = lines.first?.split(separator: " ", maxSplits: 2) ?? []
    guard first.count >= 2, first[0] == "HTTP/1.1", let status = Int(first[1]) else {
      return false
    }
    self.status = status
    for line in lines.dropFirst() {
      let parts = line.split(separator: ":", maxSplits: 1)
      guard parts.count == 2 else { return false }
      let value = String(parts[1].drop { $0 == " " })
      switch parts[0].lowercased() {
      case "content-length":
        guard let length = Int(value), length >= 0 else { return false }
        state = length == 0 ? .complete : .body(rest: length)
        return true
      case "transfer-encoding":
        state = .chunkLine
        return value == "chunked"
      default: break
      }
    }
    return false
  }

  /// Takes the next line out of what has come, without its end.
  private mutating func line() -> String? {
    guard let end = pending.firstIndex(of: 10), end > 0, pending[end - 1] == 13 else { return nil }
    let line = String(decoding: pending[..<(end - 1)], as: UTF8.self)
    pending.removeFirst(end + 1)
    return line
  }
}
