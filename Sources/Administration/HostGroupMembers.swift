internal import Glibc
internal import Synchronization

extension HostNames {
  /// Who is in a group.
  package enum Members: Equatable, Sendable {
    /// The names of its members, sorted: those that the group database lists, and those whose first group it
    /// is, as far as the host's databases list their accounts (a directory service may list none).
    case found([String])
    /// There is no such group.
    case none
    /// The databases could not be asked.
    case unknown
  }

  /// Room for the strings of one entry of the databases, in bytes, and the most that is tried: a group may
  /// have many members.
  private static let entryBytes = 1 << 16
  private static let mostEntryBytes = 1 << 24
  /// The most accounts that are listed.
  private static let mostAccounts = 1 << 17
  /// The list of accounts has one place in the process.
  private static let listing = Mutex(())

  /// Who is in the group `name`.
  package static func members(_ name: String) -> Members {
    guard let group = groupEntry(name) else { return .unknown }
    guard let (identifier, named) = group.entry else { return .none }
    guard let others = accounts(withGroup: identifier) else { return .unknown }
    return .found(Set(named + others).sorted())
  }

  private struct GroupEntry {
    let entry: (identifier: gid_t, members: [String])?
  }

  /// What the group database has of `name`; nil where it could not be asked.
  private static func groupEntry(_ name: String) -> GroupEntry? {
    var bytes = entryBytes
    while bytes <= mostEntryBytes {
      let room = UnsafeMutablePointer<CChar>.allocate(capacity: bytes)
      defer { unsafe room.deallocate() }
      var entry = unsafe Glibc.group()
      var found: UnsafeMutablePointer<Glibc.group>?
      let status = unsafe getgrnam_r(name, &entry, room, bytes, &found)
      if status == ERANGE {
        bytes *= 4
        continue
      }
      guard unsafe found != nil else {
        return [0, ENOENT, ESRCH, EBADF, EPERM].contains(status) ? GroupEntry(entry: nil) : nil
      }
      var members: [String] = []
      var place = unsafe entry.gr_mem
      while let pointer = unsafe place, let member = unsafe pointer.pointee {
        members.append(unsafe String(cString: member))
        unsafe place = pointer + 1
      }
      return unsafe GroupEntry(entry: (entry.gr_gid, members))
    }
    return nil
  }

  /// The accounts whose first group is `identifier`; nil where they could not be listed.
  private static func accounts(withGroup identifier: gid_t) -> [String]? {
    listing.withLock { _ in
      let room = UnsafeMutablePointer<CChar>.allocate(capacity: entryBytes)
      defer { unsafe room.deallocate() }
      setpwent()
      defer { endpwent() }
      var names: [String] = []
      for _ in 0..<mostAccounts {
        var entry = unsafe passwd()
        var found: UnsafeMutablePointer<passwd>?
        let status = unsafe getpwent_r(&entry, room, entryBytes, &found)
        if status == ENOENT || status == 0, unsafe found == nil { return names }
        guard status == 0 else { return nil }
        if unsafe entry.pw_gid == identifier, let name = unsafe entry.pw_name {
          names.append(unsafe String(cString: name))
        }
      }
      return nil
    }
  }
}
