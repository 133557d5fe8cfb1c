import Bytes
import JSON

/// Takes members out of a message; each refusal names the member.
struct SimulatorReader {
  typealias Refusal = SimulatorMessage.Refusal

  let tape: JSONTape

  /// Checks that `object` has every member that it needs and none that the dialect does not know.
  func require(
    _ shape: SimulatorDialect.Shape, of object: JSONTape.Node, named name: String, in body: RawSpan
  ) throws(Refusal) {
    guard object.kind == .object else { throw Refusal(member: name) }
    for member in tape.members(of: object) {
      let key = tape.key(of: member, in: body)
      guard shape.required.contains(key) || shape.optional.contains(key) else {
        throw Refusal(member: "unknown member of '\(name)'")
      }
    }
    for key in shape.required where tape.member(key, of: object, in: body) == nil {
      throw Refusal(member: key)
    }
  }

  /// The object `name`, or nil where there is none.
  func object(_ name: String, of node: JSONTape.Node, in body: RawSpan) -> JSONTape.Node? {
    tape.member(name, of: node, in: body)
  }

  /// The string `name`, 1 to `longest` bytes.
  func text(
    _ name: String, of node: JSONTape.Node, in body: RawSpan, longest: Int
  ) throws(Refusal) -> String {
    guard let text = try optionalText(name, of: node, in: body, longest: longest) else {
      throw Refusal(member: name)
    }
    return text
  }

  /// The string `name`, 1 to `longest` bytes, or nil where there is none.
  func optionalText(
    _ name: String, of node: JSONTape.Node, in body: RawSpan, longest: Int
  ) throws(Refusal) -> String? {
    guard let member = tape.member(name, of: node, in: body) else { return nil }
    guard let text = tape.string(of: member, in: body), (1...longest).contains(text.utf8.count)
    else { throw Refusal(member: name) }
    return text
  }

  /// Checks the object `name`, whose members are all strings; false where there is none.
  func texts(
    _ name: String, _ shape: SimulatorDialect.Shape, of node: JSONTape.Node, in body: RawSpan
  ) throws(Refusal) -> Bool {
    guard let object = tape.member(name, of: node, in: body) else { return false }
    try require(shape, of: object, named: name, in: body)
    for key in shape.required + shape.optional {
      _ = try optionalText(key, of: object, in: body, longest: 64)
    }
    return true
  }

  /// The integer `name`.
  func integer(
    _ name: String, of node: JSONTape.Node, in body: RawSpan
  ) throws(Refusal) -> Int64 {
    guard let member = tape.member(name, of: node, in: body),
      let value = tape.integer(of: member, in: body)
    else { throw Refusal(member: name) }
    return value
  }

  /// The number that the string `name` writes in exactly `digits` digits.
  func number(
    _ name: String, of node: JSONTape.Node, in body: RawSpan, digits: Int
  ) throws(Refusal) -> Int {
    let range = try self.digits(name, of: node, in: body, count: digits...digits)
    var value = 0
    for offset in range {
      value = value * 10 + Int(body.byte(offset) - 0x30)
    }
    return value
  }

  /// Where the digits of the string `name` stand; the string holds nothing else.
  func digits(
    _ name: String, of node: JSONTape.Node, in body: RawSpan, count: ClosedRange<Int>
  ) throws(Refusal) -> Range<Int> {
    guard let member = tape.member(name, of: node, in: body), member.kind == .string,
      count.contains(member.content.count),
      member.content.allSatisfy({ body.byte($0).isDigit })
    else { throw Refusal(member: name) }
    return member.content
  }
}
