internal import Glibc

extension HostUser {
  /// The longest list of groups that is read.
  private static let mostGroups: Int32 = 4_096
  /// Room for the strings of one entry of the user or group database, in bytes, and the most that is
  /// tried: a group may have many members.
  private static let lookupBytes = 1 << 16
  private static let mostLookupBytes = 1 << 24

  /// That the system could not look somebody up, which is no sign that there is nobody.
  package struct LookupFailure: Error, Equatable {
    /// What the system said.
    package let errno: Int32
  }

  /// Looks the user `identifier` up, with the group `group` that their process has and all those
  /// that the group database names them in.
  ///
  /// - Throws: ``LookupFailure`` where the databases could not be read: whoever is found in none of
  ///   them might be in them.
  package init(lookingUp identifier: UInt32, group: UInt32) throws(LookupFailure) {
    let account = try Self.account(identifier)
    var groups: Set<UInt32> = [group]
    if let account { groups.formUnion(Self.groups(of: account.name, primary: account.group)) }
    var names: Set<String> = []
    for group in groups {
      if let name = try Self.groupName(group) { names.insert(name) }
    }
    try Self.checkDescriptors()
    self.init(identifier: identifier, name: account?.name, groups: names)
  }

  /// The user who runs this process; without a name where that could not be looked up.
  package static var current: HostUser {
    (try? HostUser(lookingUp: geteuid(), group: getegid()))
      ?? HostUser(identifier: geteuid(), name: nil, groups: [])
  }

  /// Fails where no file could have been opened: the C library passes over a database that it cannot
  /// open, and says that it does not know the user, or only their first group.
  private static func checkDescriptors() throws(LookupFailure) {
    let descriptor = unsafe open("/dev/null", O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw LookupFailure(errno: errno) }
    close(descriptor)
  }

  /// Calls `body`, which looks something up, with room for the strings of one entry, and with more of it
  /// as long as it says that this is too little.
  /// - Source: getpwuid_r(3), "Errors", for what says that there is no such thing.
  private static func withRoom(
    _ body: (UnsafeMutablePointer<CChar>, Int) -> Int32
  ) throws(LookupFailure) {
    var bytes = lookupBytes
    while true {
      let room = UnsafeMutablePointer<CChar>.allocate(capacity: bytes)
      defer { unsafe room.deallocate() }
      let status = unsafe body(room, bytes)
      if [0, ENOENT, ESRCH, EBADF, EPERM].contains(status) { return }
      guard status == ERANGE, bytes < mostLookupBytes else { throw LookupFailure(errno: status) }
      bytes *= 4
    }
  }

  private static func account(
    _ identifier: UInt32
  ) throws(LookupFailure) -> (name: String, group: UInt32)? {
    var account: (name: String, group: UInt32)?
    try unsafe withRoom { room, bytes in
      var entry = unsafe passwd()
      var found: UnsafeMutablePointer<passwd>?
      let status = unsafe getpwuid_r(identifier, &entry, room, bytes, &found)
      if status == 0, unsafe found != nil, let name = unsafe entry.pw_name {
        account = unsafe (String(cString: name), entry.pw_gid)
      }
      return status
    }
    return account
  }

  private static func groups(of name: String, primary: UInt32) -> [UInt32] {
    var groups = [gid_t](repeating: 0, count: Int(mostGroups))
    var count = mostGroups
    let status = unsafe groups.withUnsafeMutableBufferPointer { groups in
      guard let start = groups.baseAddress else { return Int32(-1) }
      return unsafe getgrouplist(name, primary, start, &count)
    }
    return status < 0 ? [primary] : Array(groups.prefix(Int(count)))
  }

  private static func groupName(_ identifier: UInt32) throws(LookupFailure) -> String? {
    var groupName: String?
    try unsafe withRoom { room, bytes in
      var entry = unsafe group()
      var found: UnsafeMutablePointer<group>?
      let status = unsafe getgrgid_r(identifier, &entry, room, bytes, &found)
      if status == 0, unsafe found != nil, let name = unsafe entry.gr_name {
        groupName = unsafe String(cString: name)
      }
      return status
    }
    return groupName
  }
}
