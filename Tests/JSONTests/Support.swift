import JSON

/// Owns a text and its tape; the macros of Swift Testing cannot take a span.
struct Sample {
  let bytes: [UInt8]
  let tape: JSONTape

  init(_ bytes: [UInt8]) throws(JSONError) {
    self.bytes = bytes
    tape = try JSONTape.parse(unsafe bytes.span.bytes)
  }

  init(_ json: String) throws(JSONError) { try self.init(Array(json.utf8)) }

  var root: JSONTape.Node { tape.root }

  func member(_ name: String, of node: JSONTape.Node? = nil) -> JSONTape.Node? {
    tape.member(name, of: node ?? root, in: unsafe bytes.span.bytes)
  }

  func presentMember(_ name: String) -> JSONTape.Node? {
    tape.presentMember(name, of: root, in: unsafe bytes.span.bytes)
  }

  func string(_ node: JSONTape.Node?) -> String? {
    node.flatMap { tape.string(of: $0, in: unsafe bytes.span.bytes) }
  }

  func integer(_ node: JSONTape.Node?) -> Int64? {
    node.flatMap { tape.integer(of: $0, in: unsafe bytes.span.bytes) }
  }

  func wholeNumber(_ node: JSONTape.Node?) -> Int64? {
    node.flatMap { tape.wholeNumber(of: $0, in: unsafe bytes.span.bytes) }
  }

  func keys(of node: JSONTape.Node) -> [String] {
    tape.members(of: node).map { tape.key(of: $0, in: unsafe bytes.span.bytes) }
  }

  func isString(_ node: JSONTape.Node, equalTo expected: String) -> Bool {
    tape.isString(node, equalTo: expected, in: unsafe bytes.span.bytes)
  }

  /// The bytes of a string by the accessor that lends them where they stand.
  func plainBytes(_ node: JSONTape.Node) -> [UInt8]? {
    guard let plain = tape.plainBytes(of: node, in: unsafe bytes.span.bytes) else { return nil }
    return unsafe plain.withUnsafeBytes { unsafe Array($0) }
  }

  /// The bytes of a string by the accessor that gives them one by one.
  func eachByte(_ node: JSONTape.Node) -> [UInt8] {
    var result: [UInt8] = []
    tape.forEachByte(of: node, in: unsafe bytes.span.bytes) { result.append($0) }
    return result
  }

  func canonical(omitting omitted: [String] = []) -> String {
    var result: [UInt8] = []
    tape.canonicalize(unsafe bytes.span.bytes, omitting: omitted) { piece in
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
      unsafe bytes.span.bytes, maximumDepth: maximumDepth, maximumNodes: maximumNodes)
    return nil
  } catch {
    return error
  }
}

func refusal(_ text: String) -> JSONError? { refusal(Array(text.utf8)) }
