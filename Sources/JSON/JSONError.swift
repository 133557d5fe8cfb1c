/// Why a text is not one JSON value that this reader accepts.
///
/// An offset is the byte at which reading stopped, counted from 0. No case carries text: what was
/// sent may hold a card number. At the network edge every case is `400 malformed-request`.
package enum JSONError: Error, Equatable, Sendable {
  /// The bytes are not JSON, or not valid UTF-8.
  case malformed(offset: Int)
  /// An object names a member twice; names are compared after unescaping.
  case duplicateMember(offset: Int)
  /// An object or array is nested deeper than the caller allows.
  case tooDeep(offset: Int)
  /// A complete value is followed by something that is not white space.
  case trailingBytes(offset: Int)
  /// The text holds more values than the caller allows.
  case tooManyNodes(offset: Int)
  /// The text is longer than ``JSONTape/longestText``.
  case tooLong
}
