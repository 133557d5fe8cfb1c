import CLMDB

/// LMDB itself.
package enum LMDBLibrary {
  /// The version of the library that the program runs with, as the library says it.
  package static var version: String {
    guard let text = unsafe mdb_version(nil, nil, nil) else { return "unknown" }
    return unsafe String(cString: text)
  }
}
