import Bytes
import Cryptography
import Glibc
import TestSupport

/// One block of a vector file: `key: value` lines, hexadecimal unless the key ends in ` (ascii)`.
struct Vector: Sendable {
  struct Unreadable: Error { let what: String }

  private var values: [String: [UInt8]] = [:]

  /// The bytes under `key`.
  subscript(key: String) -> [UInt8] {
    get throws {
      guard let value = values[key] else { throw Unreadable(what: key) }
      return value
    }
  }

  /// Every block of the file `name` in the directory Vectors; at least one.
  static func read(_ name: String) throws -> [Vector] {
    var directory = #filePath
    directory.removeLast("Support.swift".count)
    let text = String(decoding: try fileBytes(of: directory + "Vectors/" + name), as: UTF8.self)
    var vectors: [Vector] = []
    var current = Vector()
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      if line.isEmpty {
        if !current.values.isEmpty { vectors.append(current) }
        current = Vector()
      } else if !line.hasPrefix("#") {
        try current.add(line)
      }
    }
    if !current.values.isEmpty { vectors.append(current) }
    guard !vectors.isEmpty else { throw Unreadable(what: name) }
    return vectors
  }

  private mutating func add(_ line: Substring) throws {
    guard let colon = line.firstIndex(of: ":") else { throw Unreadable(what: String(line)) }
    let key = line[..<colon]
    let value = line[line.index(after: colon)...].drop { $0 == " " }
    let asciiSuffix = " (ascii)"
    if key.hasSuffix(asciiSuffix) {
      values[String(key.dropLast(asciiSuffix.count))] = Array(value.utf8)
    } else if let bytes = [UInt8](hexadecimal: value) {
      values[String(key)] = bytes
    } else {
      throw Unreadable(what: String(line))
    }
  }
}

/// The bytes of a text.
func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

/// `bytes` with the bit `index` turned over.
func flipping(bit index: Int, of bytes: [UInt8]) -> [UInt8] {
  var bytes = bytes
  bytes[index / 8] ^= 1 << UInt8(index % 8)
  return bytes
}

/// What opening came to: the plaintext or the error, and what the buffer held afterwards.
struct Opening {
  var error: CryptographyError?
  var buffer: [UInt8]
}
