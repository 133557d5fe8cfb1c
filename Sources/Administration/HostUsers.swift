internal import Glibc

extension HostUser {
  /// The longest list of groups that is read.
  private static let mostGroups: Int32 = 4_096
  /// Room for the strings of one entry of the user or group database.
  private static let lookupBytes = 1 << 16

  /// Looks the user `identifier` up, with the group `group` that their process has and all those
  /// that the group database names them in.
  package init(lookingUp identifier: UInt32, group: UInt32) {
    let account = Self.account(identifier)
    var groups: Set<UInt32> = [group]
    if let account { groups.formUnion(Self.groups(of: account.name, primary: account.group)) }
    self.init(
      identifier: identifier, name: account?.name,
      groups: Set(groups.compactMap { Self.groupName($0) }))
  }

  /// The user who runs this process.
  package static var current: HostUser { HostUser(lookingUp: geteuid(), group: getegid()) }

  private static func account(_ identifier: UInt32) -> (name: String, group: UInt32)? {
    unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: lookupBytes) { buffer in
      guard let start = buffer.baseAddress else { return nil }
      var entry = unsafe passwd()
      var found: UnsafeMutablePointer<passwd>?
      let status = unsafe getpwuid_r(identifier, &entry, start, buffer.count, &found)
      guard status == 0, unsafe found != nil, let name = unsafe entry.pw_name else { return nil }
      return unsafe (String(cString: name), entry.pw_gid)
    }
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

  private static func groupName(_ identifier: UInt32) -> String? {
    unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: lookupBytes) { buffer in
      guard let start = buffer.baseAddress else { return nil }
      var entry = unsafe group()
      var found: UnsafeMutablePointer<group>?
      let status = unsafe getgrgid_r(identifier, &entry, start, buffer.count, &found)
      guard status == 0, unsafe found != nil, let name = unsafe entry.gr_name else { return nil }
      return unsafe String(cString: name)
    }
  }
}
