import Bytes
import JSON

/// The top-level members of a JSON object, for checks and for print; nothing secret is read so.
struct JSONMembers {
  private let texts: [String: String]
  private let lists: [String: [String]]

  /// Reads `bytes`.
  /// - Throws: ``DevelopmentError/unexpected(_:)`` for what is no JSON object.
  init(_ bytes: [UInt8]) throws(DevelopmentError) {
    guard
      let document = try? JSONDocument(
        bytes.rawSpan, maximumDepth: 8, maximumNodes: 1 << 16),
      document.root.kind == .object
    else { throw .unexpected("expected a JSON object, got \(bytes.count) bytes of something else") }
    var texts: [String: String] = [:]
    var lists: [String: [String]] = [:]
    for node in document.members(of: document.root) {
      let name = document.key(of: node)
      switch node.kind {
      case .null: break
      case .string: texts[name] = document.string(of: node)
      case .array:
        lists[name] = document.elements(of: node).compactMap { document.string(of: $0) }
      default: texts[name] = String(decoding: bytes[node.content], as: UTF8.self)
      }
    }
    self.texts = texts
    self.lists = lists
  }

  /// The member `name` as text; nil where it is absent or null.
  subscript(name: String) -> String? { texts[name] }

  /// The member `name` as a whole number.
  func integer(_ name: String) -> Int? { texts[name].flatMap { Int($0) } }

  /// The member `name` as a number.
  func number(_ name: String) -> Double? { texts[name].flatMap { Double($0) } }

  /// The strings of the array `name`.
  func list(_ name: String) -> [String] { lists[name] ?? [] }
}
