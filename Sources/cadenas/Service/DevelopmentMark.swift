import Bytes
import ConfigurationReading
import Storage

/// The row of `meta` that says that a store was made for development.
enum DevelopmentMark {
  private static let row = Array("development".utf8)

  /// Notes in a new store that its keys are for development.
  static func set(in transaction: inout StoreWriteTransaction) throws(StorageError) {
    try transaction.put(key: row.rawSpan, value: [UInt8]([1]).rawSpan, in: .meta)
  }

  /// Refuses keys that were made for development where the configuration does not allow them.
  static func check(_ store: Store, _ configuration: ServiceConfiguration) throws {
    if configuration.development { return }
    guard try store.read({ try $0.contains(row.rawSpan, in: .meta) }) else { return }
    throw CommandFailure(
      .invalid,
      "the store \(store.directory) was made with \"development: true\": its keys are not for real "
        + "cards; make a store of its own for production")
  }
}
