import Bytes
import JSON

/// A JSON document of an operation, for making a table of it.
struct DocumentView {
  /// Bounds for what the service itself has written.
  private static let deepest = 16
  private static let mostValues = 1 << 20

  private let bytes: [UInt8]
  private let tape: JSONTape
  private let node: JSONTape.Node

  /// - Throws: ``CommandFailure`` where it is not JSON.
  init(_ bytes: [UInt8]) throws(CommandFailure) {
    do throws(JSONError) {
      tape = try JSONTape.parse(
        bytes.rawSpan, maximumDepth: Self.deepest, maximumNodes: Self.mostValues)
    } catch {
      throw CommandFailure(.unavailable, "the service's answer cannot be read")
    }
    self.bytes = bytes
    node = tape.root
  }

  private init(_ document: DocumentView, _ node: JSONTape.Node) {
    bytes = document.bytes
    tape = document.tape
    self.node = node
  }

  private var document: JSONDocument {
    @_lifetime(borrow self)
    get { JSONDocument(bytes.rawSpan, parsed: tape) }
  }

  /// The member `name`, where there is one.
  subscript(name: String) -> DocumentView? {
    document.member(name, of: node).map { DocumentView(self, $0) }
  }

  var elements: [DocumentView] { document.elements(of: node).map { DocumentView(self, $0) } }

  /// The members of an object, in their order.
  var members: [(name: String, value: DocumentView)] {
    document.members(of: node).map {
      (document.key(of: $0), DocumentView(self, $0))
    }
  }

  /// A text or number as it reads, `yes` or `no`, `-` for null.
  var text: String {
    switch node.kind {
    case .string: return document.string(of: node) ?? ""
    case .true: return "yes"
    case .false: return "no"
    case .null: return "-"
    case .number, .object, .array: return String(decoding: bytes[node.content], as: UTF8.self)
    }
  }

  var isTrue: Bool { node.kind == .true }

  var integer: Int64? { document.integer(of: node) }

  /// The text of the member `name`; `-` where there is none.
  func text(_ name: String) -> String { self[name]?.text ?? "-" }

  /// The texts in the list `name`; none where it is not there.
  func texts(_ name: String) -> [String] { rows(name).map(\.text) }

  /// The same on one line; `-` where there is none.
  func list(_ name: String) -> String {
    let texts = texts(name)
    return texts.isEmpty ? "-" : texts.joined(separator: ", ")
  }

  /// The elements of the list `name`; none where it is not there.
  func rows(_ name: String) -> [DocumentView] { self[name]?.elements ?? [] }

  /// The member `name` as a size: `12.3 MiB`.
  func size(_ name: String) -> String {
    guard let bytes = self[name]?.integer else { return "-" }
    var value = bytes
    var rest: Int64 = 0
    for unit in ["bytes", "KiB", "MiB", "GiB"] {
      if value < 1_024 || unit == "GiB" {
        return unit == "bytes" ? "\(value) bytes" : "\(value).\(rest * 10 / 1_024) \(unit)"
      }
      rest = value % 1_024
      value /= 1_024
    }
    return "\(bytes) bytes"
  }
}
