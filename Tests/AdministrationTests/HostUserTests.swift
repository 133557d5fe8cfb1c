import Glibc
import Testing

@testable import Administration

/// Who somebody is, as the system knows them.
@Suite struct HostUserTests {
  @Test func `a user has the name and the groups that the system says`() throws {
    let user = try HostUser(lookingUp: geteuid(), group: getegid())
    #expect(user == HostUser.current)
    #expect(user.identifier == geteuid())
    let name = unsafe getpwuid(geteuid()).map { unsafe String(cString: $0.pointee.pw_name) }
    #expect(user.name == name)
    #expect(!user.groups.isEmpty)
    let stranger = try HostUser(lookingUp: 4_000_000_123, group: 4_000_000_123)
    #expect(stranger.name == nil && stranger.groups.isEmpty)
    #expect(stranger.label == "#4000000123")
  }

  @Test func `who cannot be looked up for want of a descriptor is nobody's stranger`() async {
    await #expect(processExitsWith: .success) {
      // Every descriptor that this process may have is taken.
      var limit = rlimit(rlim_cur: 64, rlim_max: 64)
      unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
      while unsafe open("/dev/null", O_RDONLY) >= 0 {}
      do {
        _ = try HostUser(lookingUp: geteuid(), group: getegid())
        exit(1)
      } catch {
        exit((error as? HostUser.LookupFailure)?.errno == EMFILE ? 0 : 2)
      }
    }
    let told = AdministrationError.accountUnknown(EMFILE)
    #expect(told.kind.httpStatus == 503)
    #expect(told.detail.contains("could not be looked up"))
  }

  @Test("terminals have the names that people know them by")
  func terminals() {
    let names: [(UInt32, String)] = [
      (0, "none"), (0x8803, "pts/3"), (0x8900, "pts/256"), (0x0401, "tty1"), (0x0440, "ttyS0"),
      (0x0500, "5:0"),
    ]
    for (number, name) in names { #expect(UserOrigin.name(ofTerminal: number) == name) }
  }

  @Test("a process that has ended is no origin: its number may be another's")
  func ended() throws {
    let origin = UserOrigin(of: 0, user: 0, account: "anna", holding: nil)
    #expect(origin.text == "account=anna login=unknown terminal=unknown")
    let own = UserOrigin(of: getpid(), user: geteuid() &+ 1, account: "anna", holding: nil)
    #expect(own.login == "unknown", "another user has it now")
    let this = UserOrigin(of: getpid(), user: geteuid(), account: "anna", holding: nil)
    #expect(this.login != "unknown" && this.terminal != "unknown")
  }
}
