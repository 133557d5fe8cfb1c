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

  var document: JSONDocument {
    @_lifetime(borrow self)
    get { JSONDocument(bytes.rawSpan, parsed: tape) }
  }

  var root: JSONTape.Node { tape.root }

  func member(_ name: String, of node: JSONTape.Node? = nil) -> JSONTape.Node? {
    document.member(name, of: node ?? root)
  }

  func presentMember(_ name: String) -> JSONTape.Node? {
    document.presentMember(name, of: root)
  }

  func string(_ node: JSONTape.Node?) -> String? {
    node.flatMap { document.string(of: $0) }
  }

  func integer(_ node: JSONTape.Node?) -> Int64? {
    node.flatMap { document.integer(of: $0) }
  }

  func keys(of node: JSONTape.Node) -> [String] {
    document.members(of: node).map { document.key(of: $0) }
  }

  func isString(_ node: JSONTape.Node, equalTo expected: String) -> Bool {
    document.isString(node, equalTo: expected)
  }

  /// The bytes of a string by the accessor that lends them where they stand.
  func plainBytes(_ node: JSONTape.Node) -> [UInt8]? {
    guard let plain = document.plainBytes(of: node) else { return nil }
    return plain.array
  }

  /// The bytes of a string by the accessor that gives them one by one.
  func eachByte(_ node: JSONTape.Node) -> [UInt8] {
    var result: [UInt8] = []
    document.forEachByte(of: node) { result.append($0) }
    return result
  }

  func canonical(omitting omitted: [String] = []) -> String {
    var result: [UInt8] = []
    document.canonicalize(omitting: omitted) { piece in
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
