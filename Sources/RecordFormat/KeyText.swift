internal import Cryptography

/// How a command names a row by its key: a prefix that says of which table, and the key in hexadecimal.
package struct KeyText: Sendable {
  /// The longest key of the engine, in bytes.
  private static let mostBytes = 511

  private let prefix: String

  package init(prefix: String) { self.prefix = prefix }

  package func text(of key: [UInt8]) -> String { prefix + key.hexadecimal }

  /// The key of a text; nil for one that is not written as ``text(of:)`` writes it.
  package func key(of text: String) -> [UInt8]? {
    guard text.hasPrefix(prefix),
      let key = [UInt8](hexadecimal: text.dropFirst(prefix.utf8.count)),
      (1...Self.mostBytes).contains(key.count), self.text(of: key) == text
    else { return nil }
    return key
  }
}
