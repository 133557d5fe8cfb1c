internal import Bytes
internal import JSON

/// Makes the parts of an answer out of the body of a response.
struct AnswerAssembler {
  /// The longest body that is kept whole, in bytes: a document, a problem, a line of progress.
  static let longestKept = 1 << 24
  /// The most values in a line of progress, of which one may be the answer.
  private static let mostValues = 1 << 20

  private let form: AnswerForm
  private var kept: [UInt8] = []
  /// Whether the answer is whole.
  private(set) var isSatisfied = false

  init(form: AnswerForm) { self.form = form }

  /// Keeps a piece of a body that tells a problem.
  mutating func keep(_ body: [UInt8]) {
    kept += body.prefix(Self.longestKept - kept.count)
  }

  /// The parts that are whole now that `body` has come.
  mutating func parts(of body: [UInt8], isComplete: Bool, path: String) throws -> [AdminPart] {
    switch form {
    case .lines:
      isSatisfied = isComplete
      return body.isEmpty ? [] : [.lines(body)]
    case .document, .metrics:
      keep(body)
      guard isComplete else { return [] }
      isSatisfied = true
      if form == .metrics { return [.metrics(kept)] }
      if kept.last == UInt8(ascii: "\n") { kept.removeLast() }
      return [.document(kept)]
    case .progress:
      keep(body)
      var parts: [AdminPart] = []
      while let end = kept.firstIndex(of: UInt8(ascii: "\n")) {
        let line = Array(kept[..<end])
        kept.removeFirst(end + 1)
        parts.append(try part(of: line, path: path))
      }
      return parts
    }
  }

  private mutating func part(of line: [UInt8], path: String) throws -> AdminPart {
    guard
      let document = try? JSONDocument(
        line.rawSpan, maximumDepth: 16, maximumNodes: Self.mostValues)
    else {
      throw AdminClient.Failure.socket(.malformedAnswer(path))
    }
    if let result = document.member("result", of: document.root) {
      isSatisfied = true
      return .document(Array(line[result.content]))
    }
    if let progress = document.member("progress", of: document.root),
      let done = document.member("done", of: progress),
      let total = document.member("total", of: progress)
    {
      return .progress(
        done: UInt64(clamping: document.integer(of: done) ?? 0),
        total: UInt64(clamping: document.integer(of: total) ?? 0))
    }
    if let error = document.member("error", of: document.root) {
      let status = document.member("status", of: error).flatMap {
        document.integer(of: $0)
      }
      throw Self.problem(status: Int(status ?? 503), Array(line[error.content]))
    }
    throw AdminClient.Failure.socket(.malformedAnswer(path))
  }

  /// The problem that the kept body tells.
  func problem(status: Int) -> AdminClient.Failure { Self.problem(status: status, kept) }

  private static func problem(status: Int, _ json: [UInt8]) -> AdminClient.Failure {
    guard let document = try? JSONDocument(json.rawSpan) else {
      return .problem(status: status, name: "unavailable", detail: "the service answered \(status)")
    }
    func member(_ name: String) -> String? {
      document.member(name, of: document.root).flatMap { document.string(of: $0) }
    }
    return .problem(
      status: status, name: member("title") ?? "unavailable",
      detail: member("detail") ?? "the service answered \(status)")
  }
}
