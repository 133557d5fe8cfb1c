/// An answer, as it came.
package struct RawAnswer: Sendable, Equatable {
  package let status: Int
  /// By name in lower case; a field that came twice has both values with a comma between.
  package let fields: [String: String]
  package let body: String

  package init(status: Int, fields: [String: String], body: String) {
    self.status = status
    self.fields = fields
    self.body = body
  }

  /// The first answer in `bytes`, and how many of them it takes; nil while it is not complete.
  package static func parse(_ bytes: [UInt8], hasBody: Bool) -> (RawAnswer, Int)? {
    guard let end = endOfHead(bytes) else { return nil }
    let head = String(decoding: bytes[..<(end - 4)], as: UTF8.self)
    let lines = head.split(separator: "\r\n", omittingEmptySubsequences: false)
    var fields: [String: String] = [:]
    for line in lines.dropFirst() {
      let parts = line.split(separator: ":", maxSplits: 1)
      let name = parts[0].lowercased()
      let value = parts.count == 2 ? String(parts[1].drop { $0 == " " }) : ""
      fields[name] = fields[name].map { "\($0),\(value)" } ?? value
    }
    let length = hasBody ? Int(fields["content-length"] ?? "0") ?? 0 : 0
    guard bytes.count >= end + length else { return nil }
    let status = lines.first?.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
    let body = String(decoding: bytes[end..<end + length], as: UTF8.self)
    return (RawAnswer(status: status, fields: fields, body: body), end + length)
  }

  private static func endOfHead(_ bytes: [UInt8]) -> Int? {
    guard bytes.count >= 4 else { return nil }
    return (4...bytes.count).first { bytes[($0 - 4)..<$0].elementsEqual([13, 10, 13, 10]) }
  }
}
