import Bytes
import JSON

/// Takes members out of a message; each refusal names the member.
extension JSONDocument {
  typealias Refusal = SimulatorMessage.Refusal

  /// Checks that `object` has every member that it needs and none that the dialect does not know.
  func require(
    _ shape: SimulatorDialect.Shape, of object: Node, named name: String
  ) throws(Refusal) {
    guard object.kind == .object else { throw Refusal(member: name) }
    for member in members(of: object) {
      let key = key(of: member)
      guard shape.required.contains(key) || shape.optional.contains(key) else {
        throw Refusal(member: "unknown member of '\(name)'")
      }
    }
    for key in shape.required where member(key, of: object) == nil {
      throw Refusal(member: key)
    }
  }

  /// The string `name`, 1 to `longest` bytes.
  func text(_ name: String, of node: Node, longest: Int) throws(Refusal) -> String {
    guard let text = try optionalText(name, of: node, longest: longest) else {
      throw Refusal(member: name)
    }
    return text
  }

  /// The string `name`, 1 to `longest` bytes, or nil where there is none.
  func optionalText(
    _ name: String, of node: Node, longest: Int
  ) throws(Refusal) -> String? {
    guard let member = self.member(name, of: node) else { return nil }
    guard let text = string(of: member), (1...longest).contains(text.utf8.count)
    else { throw Refusal(member: name) }
    return text
  }

  /// Checks the object `name`, whose members are all strings; false where there is none.
  func texts(
    _ name: String, _ shape: SimulatorDialect.Shape, of node: Node
  ) throws(Refusal) -> Bool {
    guard let object = member(name, of: node) else { return false }
    try require(shape, of: object, named: name)
    for key in shape.required + shape.optional {
      _ = try optionalText(key, of: object, longest: 64)
    }
    return true
  }

  func integer(_ name: String, of node: Node) throws(Refusal) -> Int64 {
    guard let member = self.member(name, of: node),
      let value = integer(of: member)
    else { throw Refusal(member: name) }
    return value
  }

  /// The number that the string `name` writes in exactly `digits` digits.
  func number(_ name: String, of node: Node, digits: Int) throws(Refusal) -> Int {
    let range = try self.digits(name, of: node, count: digits...digits)
    return range.reduce(0) { $0 * 10 + Int(text.byte($1) - 0x30) }
  }

  /// Where the digits of the string `name` stand; the string holds nothing else.
  func digits(
    _ name: String, of node: Node, count: ClosedRange<Int>
  ) throws(Refusal) -> Range<Int> {
    guard let member = self.member(name, of: node), member.kind == .string,
      count.contains(member.content.count),
      member.content.allSatisfy({ isDigit(text.byte($0)) })
    else { throw Refusal(member: name) }
    return member.content
  }
}
