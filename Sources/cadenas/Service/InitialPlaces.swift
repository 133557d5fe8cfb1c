import Administration
import ConfigurationReading
import Glibc
import Keyring
import SystemCalls

extension Initialization {
  /// Refuses to go on where a new store and its key file could not be written, before a key is made or
  /// a custodian has typed anything: says which directory it is, and the command that mends it.
  static func checkPlaces(_ configuration: ServiceConfiguration) throws(CommandFailure) {
    try checkPlace(of: "store", configuration.store.path)
    if let directory = configuration.keys.source.directoryOfNewKeys {
      try checkPlace(of: "key file", directory)
    }
  }

  /// `directory` may be missing where the one above it can be written in.
  private static func checkPlace(
    of what: String, _ directory: String
  ) throws(CommandFailure) {
    let above = Directory.containing(directory)
    let isThere = exists(at: directory)
    let place = isThere ? directory : above
    guard unsafe access(place, W_OK | X_OK) != 0 else { return }
    let reason = systemMessage(errno)
    let user = HostUser.current.name ?? "\(getuid())"
    // Never a directory that is somebody else's, such as /run or /etc, becomes this user's.
    let missing = exists(at: above) ? directory : above
    let remedy =
      isThere
      ? "it has to belong to that user" : "as root: install -d -o \(user) -m 0700 \(missing)"
    throw CommandFailure(
      .unavailable,
      "the \(what) cannot be made in \(directory), since user \(user) cannot write in \(place) "
        + "(\(reason)); \(remedy)")
  }

  private static func exists(at path: String) -> Bool { unsafe access(path, F_OK) == 0 }
}
