import Bytes
import JSON

/// Owns a text and its tape; the macros of Swift Testing cannot take a span.
struct Sample {
  let bytes: [UInt8]
  let tape: JSONTape

  init(_ bytes: [UInt8]) throws(JSONError) {
    self.bytes = bytes
    tape = try JSONTape.parse(bytes.rawSpan)
  }

  init(_ json: String) throws(JSONError) { try self.init(Array(json.utf8)) }

  var root: JSONTape.Node { tape.root }

  func member(_ name: String, of node: JSONTape.Node? = nil) -> JSONTape.Node? {
    tape.member(name, of: node ?? root, in: bytes.rawSpan)
  }

  func presentMember(_ name: String) -> JSONTape.Node? {
    tape.presentMember(name, of: root, in: bytes.rawSpan)
  }

  func string(_ node: JSONTape.Node?) -> String? {
    node.flatMap { tape.string(of: $0, in: bytes.rawSpan) }
  }

  func integer(_ node: JSONTape.Node?) -> Int64? {
    node.flatMap { tape.integer(of: $0, in: bytes.rawSpan) }
  }

  func wholeNumber(_ node: JSONTape.Node?) -> Int64? {
    node.flatMap { tape.wholeNumber(of: $0, in: bytes.rawSpan) }
  }

  func keys(of node: JSONTape.Node) -> [String] {
    tape.members(of: node).map { tape.key(of: $0, in: bytes.rawSpan) }
  }

  func isString(_ node: JSONTape.Node, equalTo expected: String) -> Bool {
    tape.isString(node, equalTo: expected, in: bytes.rawSpan)
  }

  /// The bytes of a string by the accessor that lends them where they stand.
  func plainBytes(_ node: JSONTape.Node) -> [UInt8]? {
    guard let plain = tape.plainBytes(of: node, in: bytes.rawSpan) else { return nil }
    return plain.array
  }

  /// The bytes of a string by the accessor that gives them one by one.
  func eachByte(_ node: JSONTape.Node) -> [UInt8] {
    var result: [UInt8] = []
    tape.forEachByte(of: node, in: bytes.rawSpan) { result.append($0) }
    return result
  }

  func canonical(omitting omitted: [String] = []) -> String {
    var result: [UInt8] = []
    tape.canonicalize(bytes.rawSpan, omitting: omitted) { piece in
      unsafe piece.withUnsafeBytes { unsafe result.append(contentsOf: $0) }
    }
    return String(decoding: result, as: UTF8.self)
  }
}

/// Why a text is refused, or nil where it is accepted.
func refusal(
  _ bytes: [UInt8], maximumDepth: Int = 4, maximumNodes: Int = JSONTape.requestNodes
) -> JSONError? {
  do throws(JSONError) {
    _ = try JSONTape.parse(
      bytes.rawSpan, maximumDepth: maximumDepth, maximumNodes: maximumNodes)
    return nil
  } catch {
    return error
  }
}

func refusal(_ text: String) -> JSONError? { refusal(Array(text.utf8)) }
