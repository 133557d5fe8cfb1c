import Bytes
import NIOCore

/// Reads a body that comes in chunks, strictly, and gathers it in one piece.
///
/// A size is one to eight digits of base 16 and nothing else; a line ends with CR LF; extensions are
/// passed over up to ``longestExtensions``; there are no trailers. Where two readers could disagree on
/// where the body ends, this one refuses it, and the connection is closed after the answer.
///
/// What is gathered may be a card number: it is copied once, into a buffer that is wiped, and the
/// chunks are wiped where they have arrived by whoever read them.
/// - Source: RFC 9112, 7.1.
struct ChunkedBody {
  /// What came of the bytes so far.
  enum Outcome: Equatable {
    /// More bytes are needed; all that were there have been taken.
    case incomplete
    /// The body has ended, and what follows is the next request's.
    case complete
    /// It can't be told where the body ends.
    case malformed
    /// It has more bytes than the limit.
    case tooLarge
  }

  /// How many bytes of extensions the chunks of a body may have together.
  static let longestExtensions = 256
  /// How many digits a size has at most, leading zeros counted.
  private static let longestSize = 8

  private enum Place {
    case size(digits: Int)
    case extensions
    /// The LF of a size's line.
    case sizeEnd
    case data(left: Int)
    /// CR and LF after a chunk's data.
    case dataReturn, dataEnd
    /// CR and LF after the last chunk.
    case lastReturn, lastEnd
  }

  private var gathered = PendingBytes()
  private var place = Place.size(digits: 0)
  private var size = 0
  private var extensionBytes = 0

  /// Reads on from `input`, up to the body's end or the first byte that is wrong.
  ///
  /// - Parameter limit: how many bytes the body may have without its framing.
  mutating func read(_ input: inout ByteBuffer, limit: Int) -> Outcome {
    while input.readableBytes > 0 {
      if case .data(let left) = place {
        take(left, from: &input, limit: limit)
        continue
      }
      guard let byte = input.readInteger(as: UInt8.self) else { return .incomplete }
      if let outcome = take(byte, limit: limit) { return outcome }
    }
    return .incomplete
  }

  /// Takes the body, and is ready for the next one. Whoever has used it wipes it.
  mutating func take() -> ByteBuffer {
    defer { self = ChunkedBody() }
    return gathered.take()
  }

  /// Wipes what has been gathered.
  mutating func removeAll() {
    gathered.removeAll()
    self = ChunkedBody()
  }

  private mutating func take(_ left: Int, from input: inout ByteBuffer, limit: Int) {
    let count = min(left, input.readableBytes)
    if let part = input.readSlice(length: count) { gathered.append(part, expected: limit) }
    place = left > count ? .data(left: left - count) : .dataReturn
  }

  /// Takes a byte of the framing; nil where it goes on.
  private mutating func take(_ byte: UInt8, limit: Int) -> Outcome? {
    switch place {
    case .size(let digits):
      if let digit = hexadecimalValue(byte) {
        guard digits < Self.longestSize else { return .malformed }
        size = size << 4 | Int(digit)
        place = .size(digits: digits + 1)
        return nil
      }
      guard digits > 0 else { return .malformed }
      return endSize(byte)
    case .extensions: return endSize(byte)
    case .sizeEnd:
      guard byte == 0x0A else { return .malformed }
      guard gathered.count + size <= limit else { return .tooLarge }
      place = size > 0 ? .data(left: size) : .lastReturn
      size = 0
    case .dataReturn:
      guard byte == 0x0D else { return .malformed }
      place = .dataEnd
    case .dataEnd:
      guard byte == 0x0A else { return .malformed }
      place = .size(digits: 0)
    case .lastReturn:
      // Anything else begins a trailer.
      guard byte == 0x0D else { return .malformed }
      place = .lastEnd
    case .lastEnd: return byte == 0x0A ? .complete : .malformed
    case .data: preconditionFailure("data is taken as a whole")
    }
    return nil
  }

  /// Takes a byte after a size's digits.
  private mutating func endSize(_ byte: UInt8) -> Outcome? {
    if byte == 0x0D {
      place = .sizeEnd
      return nil
    }
    if case .size = place {
      guard byte == UInt8(ascii: ";") else { return .malformed }
      place = .extensions
    }
    extensionBytes += 1
    // No control characters, among which a line feed alone could end the line for another reader.
    let isText = (0x20...0x7E).contains(byte) || byte == 0x09
    return isText && extensionBytes <= Self.longestExtensions ? nil : .malformed
  }
}
