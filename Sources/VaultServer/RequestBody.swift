import Bytes
import Cards
import JSON
import Tokenization
import VaultCore

/// One request's body: a JSON object that has been read, and the bytes that it stands in.
struct RequestBody: ~Escapable {
  let document: JSONDocument

  /// Reads one object.
  ///
  /// - Throws: `malformed-request` for anything but one JSON object within the bounds of
  ///   ``JSONTape``.
  @_lifetime(copy text)
  init(_ text: RawSpan) throws(Problem) {
    do throws(JSONError) {
      document = try JSONDocument(text)
    } catch {
      throw Problem(.malformedRequest)
    }
    guard document.root.kind == .object else { throw Problem(.malformedRequest) }
  }

  var root: ObjectReader {
    @_lifetime(copy self)
    get { ObjectReader(document, document.root, pointer: "") }
  }

  /// Refuses security codes, track data and PINs, at whatever depth they stand.
  ///
  /// - Parameter allowed: the one name that has a place at the top of this request.
  /// - Throws: `sensitive-authentication-data`.
  /// - Source: PCI DSS 3.3.
  func refuseSensitiveData(exceptAtTop allowed: String? = nil) throws(Problem) {
    try refuseSensitiveData(in: document.root, pointer: "", except: allowed)
  }

  private static let sensitiveNames: MemberNames = [
    "cvc", "cvv", "cvv2", "cid", "track1", "track2", "track_data", "pin", "pin_block",
  ]

  private func refuseSensitiveData(
    in node: JSONDocument.Node, pointer: String?, except allowed: String?
  ) throws(Problem) {
    for member in document.members(of: node) where member.kind != .null {
      if let name = document.name(of: member, among: Self.sensitiveNames), name != allowed {
        throw Problem(.sensitiveAuthenticationData, pointer: pointer.map { "\($0)/\(name)" })
      }
      // What lies deeper has a name of the client's on its way, which is not to be echoed.
      if member.kind == .object || member.kind == .array {
        try refuseSensitiveData(in: member, pointer: nil, except: nil)
      }
    }
    for element in document.elements(of: node) {
      try refuseSensitiveData(in: element, pointer: nil, except: nil)
    }
  }
}

/// One object of a request, read member by member. A member that is `null` counts as absent.
struct ObjectReader: ~Escapable {
  private let document: JSONDocument
  private let object: JSONDocument.Node
  /// Where the object stands, as a JSON Pointer of names that the vault knows.
  let pointer: String

  @_lifetime(copy document)
  init(_ document: JSONDocument, _ object: JSONDocument.Node, pointer: String) {
    self.document = document
    self.object = object
    self.pointer = pointer
  }

  /// Refuses members with other names than these.
  ///
  /// - Throws: `unknown-member`, with a pointer to the object: the member's name is the client's,
  ///   and nothing that was sent is echoed.
  func refuseMembers(except known: MemberNames) throws(Problem) {
    for member in document.members(of: object) where member.kind != .null {
      guard document.name(of: member, among: known) != nil else {
        throw Problem(.unknownMember, pointer: pointer.isEmpty ? nil : pointer)
      }
    }
  }

  func has(_ name: String) -> Bool { node(name) != nil }

  /// A problem with the member `name`.
  func problem(_ problem: ProblemName, _ name: String) -> Problem {
    Problem(problem, pointer: "\(pointer)/\(name)")
  }

  /// The member `name`, which has to be there.
  ///
  /// - Throws: `missing-member`.
  @discardableResult
  func require(_ name: String) throws(Problem) -> JSONDocument.Node {
    guard let node = node(name) else { throw problem(.missingMember, name) }
    return node
  }

  /// A number that is whole, however it is written, or nil for none.
  ///
  /// - Throws: `invalid-member` for another type or value.
  func integer(_ name: String) throws(Problem) -> Int64? {
    guard let node = node(name) else { return nil }
    return try integer(of: node, name)
  }

  /// The number that `node` is, the member `name`.
  ///
  /// - Throws: `invalid-member`, as ``integer(_:)``.
  func integer(of node: JSONDocument.Node, _ name: String) throws(Problem) -> Int64 {
    guard let value = document.integer(of: node) else { throw problem(.invalidMember, name) }
    return value
  }

  /// A string that `read` makes something of; it gets the unescaped bytes and returns nil for what
  /// has not the form. Nothing may be kept of what it refuses.
  ///
  /// - Throws: `invalid-member` for another type or form.
  func string<Value>(
    _ name: String, _ read: (RawSpan) -> Value?
  ) throws(Problem) -> Value? {
    guard let node = node(name) else { return nil }
    guard node.kind == .string else { throw problem(.invalidMember, name) }
    if let plain = document.plainBytes(of: node) {
      guard let value = read(plain) else { throw problem(.invalidMember, name) }
      return value
    }
    guard let escaped = document.string(of: node),
      let value = read(escaped.utf8Span.span.rawSpan)
    else { throw problem(.invalidMember, name) }
    return value
  }

  /// A string that is one of the raw values of `Choice`.
  ///
  /// - Throws: `invalid-member` for another type or value.
  func choice<Choice: RawRepresentable<String> & CaseIterable>(
    _ name: String, _ type: Choice.Type
  ) throws(Problem) -> Choice? {
    guard let node = node(name) else { return nil }
    for choice in Choice.allCases
    where document.isString(node, equalTo: choice.rawValue) {
      return choice
    }
    throw problem(.invalidMember, name)
  }

  /// The member that is an object, or nil for none.
  ///
  /// - Throws: `invalid-member` for another type.
  @_lifetime(copy self)
  func object(_ name: String) throws(Problem) -> ObjectReader? {
    guard let node = node(name) else { return nil }
    guard node.kind == .object else { throw problem(.invalidMember, name) }
    return ObjectReader(document, node, pointer: "\(pointer)/\(name)")
  }

  /// Gives the unescaped bytes of a string to `body`, one by one, and keeps none: for what is
  /// secret. False where there is no such member.
  ///
  /// - Throws: `invalid-member` for another type, and what `body` throws.
  func forEachByte(
    _ name: String, _ body: (UInt8) throws(Problem) -> Void
  ) throws(Problem) -> Bool {
    guard let node = node(name) else { return false }
    guard node.kind == .string else { throw problem(.invalidMember, name) }
    if let plain = document.plainBytes(of: node) {
      for offset in plain.byteOffsets { try body(plain.byte(offset)) }
    } else {
      try document.forEachByte(of: node, body)
    }
    return true
  }

  private func node(_ name: String) -> JSONDocument.Node? {
    document.presentMember(name, of: object)
  }
}
