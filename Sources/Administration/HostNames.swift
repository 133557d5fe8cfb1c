internal import Glibc

/// What the host's databases of users and groups know of a name.
package enum HostNames {
  /// What looking a name up comes to.
  package enum Answer: Equatable, Sendable {
    /// There is one, with this id.
    case found(UInt32)
    /// There is none.
    case none
    /// The database could not be asked.
    case unknown
  }

  /// Room for the strings of one entry, in bytes.
  private static let lookupBytes = 1 << 16

  /// The user `name`.
  package static func user(_ name: String) -> Answer {
    unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: lookupBytes) { buffer in
      guard let start = buffer.baseAddress else { return .unknown }
      var entry = unsafe passwd()
      var found: UnsafeMutablePointer<passwd>?
      let status = unsafe getpwnam_r(name, &entry, start, buffer.count, &found)
      return unsafe answer(status, found == nil ? nil : entry.pw_uid)
    }
  }

  /// The group `name`.
  package static func group(_ name: String) -> Answer {
    unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: lookupBytes) { buffer in
      guard let start = buffer.baseAddress else { return .unknown }
      var entry = unsafe Glibc.group()
      var found: UnsafeMutablePointer<Glibc.group>?
      let status = unsafe getgrnam_r(name, &entry, start, buffer.count, &found)
      return unsafe answer(status, found == nil ? nil : entry.gr_gid)
    }
  }

  /// Some databases say by one of these numbers that there is no such name: getpwnam(3).
  private static func answer(_ status: Int32, _ identifier: UInt32?) -> Answer {
    if let identifier { return .found(identifier) }
    return [0, ENOENT, ESRCH, EBADF, EPERM].contains(status) ? .none : .unknown
  }
}
