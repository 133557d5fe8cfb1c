import Bytes
import LMDB

/// The rows of a frame: what a batch has changed, in the order in which it did; of a key that is changed again
/// the last one counts.
///
/// A row: table(1) ‖ kind(1) ‖ bytes of the key(2) ‖ bytes of the value(4) ‖ key ‖ value. Tables are
/// numbered from 0 as `Table` declares them. Kinds: 0 put, 1 appended (the key is greater than all of its
/// table), 2 removed (without a value).
extension WriteSet {
  /// Notes what the rows of a frame say; false where they are none.
  ///
  /// - Parameter appends: whether what was appended is appended again. Not where several frames come into
  ///   one set.
  mutating func add(rows: RawSpan, count: Int, appends: Bool) throws(LMDBError) -> Bool {
    var reader = RowReader(rows)
    for _ in 0..<count {
      guard let table = reader.number(UInt8.self).flatMap({ Table(index: Int($0)) }),
        let kind = reader.number(UInt8.self).flatMap({ Change.Kind(rawValue: $0) }),
        let keyBytes = reader.number(UInt16.self), let valueBytes = reader.number(UInt32.self),
        let key = reader.bytes(Int(keyBytes)), let value = reader.bytes(Int(valueBytes)),
        table != .keyring
      else { return false }
      switch kind {
      case .put, .append:
        try put(key: key, value: value, in: table, appends: appends && kind == .append)
      case .removal: try remove(key, in: table)
      }
    }
    return reader.isAtEnd
  }
}

extension Table {
  fileprivate init?(index: Int) {
    guard Self.allCases.indices.contains(index) else { return nil }
    self = Self.allCases[index]
  }
}
