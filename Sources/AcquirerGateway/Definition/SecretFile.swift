import Bytes
import ConfigurationReading
import SecretMemory

/// Reads secrets that acquirers gave out, each from a file of its own, into secret memory.
enum SecretFile {
  /// The bytes of a password, a token or a header's value.
  static let longestSecret = 4_096

  /// What stands in the way; the end of a sentence about the file.
  struct Failure: Error {
    let message: String
  }

  /// The value of a header: visible ASCII, with spaces inside only (RFC 9110, 5.5).
  static func header(_ path: String) throws(Failure) -> SecretHeader {
    let value = try read(path)
    let bytes = value.bytes
    let last = bytes.byteCount - 1
    guard bytes.byte(0) != 0x20, bytes.byte(last) != 0x20 else {
      throw Failure(message: "begins or ends with a space")
    }
    for offset in bytes.byteOffsets {
      guard (0x20...0x7E).contains(bytes.byte(offset)) else {
        throw Failure(message: "holds something else than one line of visible ASCII")
      }
    }
    return SecretHeader(try joined(bytes, RawSpan()))
  }

  /// The content of a file without the end of its line.
  static func read(_ path: String) throws(Failure) -> SecretBytes {
    var bytes: [UInt8]
    do throws(ConfigurationFileProblem) {
      bytes = try ConfigurationFiles.read(path, maximumBytes: longestSecret)
    } catch {
      throw Failure(message: error.text)
    }
    defer { unsafe bytes.withUnsafeMutableBytes { unsafe wipe($0) } }
    var count = bytes.count
    if count > 0, bytes[count - 1] == UInt8(ascii: "\n") { count -= 1 }
    if count > 0, bytes[count - 1] == UInt8(ascii: "\r") { count -= 1 }
    guard count > 0 else { throw Failure(message: "is empty") }
    return try joined(bytes.rawSpan.extracting(first: count), RawSpan())
  }

  /// Both parts, one after the other, in secret memory.
  static func joined(_ first: RawSpan, _ second: RawSpan) throws(Failure) -> SecretBytes {
    var secret = try allocate(first.byteCount + second.byteCount)
    unsafe secret.withMutableBytes { target in
      for offset in first.byteOffsets { unsafe target[offset] = first.byte(offset) }
      for offset in second.byteOffsets {
        unsafe target[first.byteCount + offset] = second.byte(offset)
      }
    }
    return secret
  }

  static func allocate(_ count: Int) throws(Failure) -> SecretBytes {
    do throws(SecretMemoryError) {
      return try SecretBytes(count: count)
    } catch {
      throw Failure(message: "no secret memory is left for its content")
    }
  }
}
