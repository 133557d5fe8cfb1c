package import AuditLog
internal import Glibc

/// A descriptor of a process, which says whether that process has ended.
package final class ProcessHold: Sendable {
  private let descriptor: CInt

  init(_ descriptor: CInt) { self.descriptor = descriptor }

  deinit { close(descriptor) }

  /// Whether the process has not ended.
  /// - Source: pidfd_open(2), of poll(2).
  var isAlive: Bool {
    var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    return unsafe poll(&request, 1, 0) == 0
  }
}

/// From where a user of this host asks: the account that they are now, the account that they have logged in
/// as, which `sudo` and `su` leave as it was, and the terminal.
///
/// The member `origin` of entries: `account=NAME login=NAME terminal=NAME`; `none` where there is no login
/// session or no terminal, as for a timer's job, and `unknown` where the system did not say.
/// - Source: proc(5), `loginuid` and `tty_nr`; Linux's allocated devices for the terminals' numbers.
struct UserOrigin: Equatable {
  static let none = "none"
  static let unknown = "unknown"
  private static let noLogin: UInt32 = .max
  private static let mostBytes = 4_096

  let account: String
  let login: String
  let terminal: String

  var text: String { "account=\(account) login=\(login) terminal=\(terminal)" }

  /// That of the process `process`, which runs as `account`. What is read while the process ends may be another's,
  /// so it is passed over then; without a hold, on older systems, the account has to be the same still.
  init(of process: pid_t, user: UInt32, account: String, holding hold: ProcessHold?) {
    self.account = account
    let folder = "/proc/\(process)"
    let login = process > 0 ? Self.login(in: folder) : Self.unknown
    let terminal = process > 0 ? Self.terminal(in: folder) : Self.unknown
    let isSame = hold?.isAlive ?? (Self.user(in: folder) == user)
    self.login = isSame ? login : Self.unknown
    self.terminal = isSame ? terminal : Self.unknown
  }

  private static func login(in folder: String) -> String {
    guard let text = read("\(folder)/loginuid"), let user = UInt32(text) else { return unknown }
    guard user != noLogin else { return none }
    return ((try? HostUser(lookingUp: user, group: user)) ?? HostUser(identifier: user)).label
  }

  /// The terminal of `stat`: its seventh field, the fifth behind the name, which may hold anything.
  private static func terminal(in folder: String) -> String {
    guard let text = read("\(folder)/stat"), let end = text.lastIndex(of: ")") else {
      return unknown
    }
    let fields = text[text.index(after: end)...].split(separator: " ")
    guard fields.count > 4, let number = Int64(fields[4]) else { return unknown }
    return name(ofTerminal: UInt32(truncatingIfNeeded: number))
  }

  /// The name of the terminal with this device number.
  static func name(ofTerminal number: UInt32) -> String {
    let major = number >> 8 & 0xFFF
    let minor = number & 0xFF | number >> 12 & 0xFFF00
    switch major {
    case 0 where minor == 0: return none
    case 4 where minor < 64: return "tty\(minor)"
    case 4: return "ttyS\(minor - 64)"
    case 136...143: return "pts/\((major - 136) << 8 + minor)"
    default: return "\(major):\(minor)"
    }
  }

  /// The user as whom the process runs, the effective one.
  private static func user(in folder: String) -> UInt32? {
    let line = read("\(folder)/status")?.split(separator: "\n").first { $0.hasPrefix("Uid:") }
    let fields = line?.split(whereSeparator: { $0 == "\t" || $0 == " " })
    return fields.flatMap { $0.count > 2 ? UInt32($0[2]) : nil }
  }

  private static func read(_ path: String) -> String? {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: mostBytes)
    let count = unsafe Glibc.read(descriptor, &bytes, bytes.count)
    guard count > 0 else { return nil }
    let text = String(decoding: bytes[..<count], as: UTF8.self)
    return text.hasSuffix("\n") ? String(text.dropLast()) : text
  }
}

extension HostUser {
  /// The name, or `#ID` without one.
  package var label: String { name ?? "#\(identifier)" }

  /// The user as entries name them, who asks by the process `process`.
  func actor(of process: pid_t, holding hold: ProcessHold?) -> AuditActor {
    let origin = UserOrigin(of: process, user: identifier, account: label, holding: hold)
    return AuditActor("user:\(label)", from: origin.text)
  }

  /// Who runs this process.
  package static var currentActor: AuditActor { current.actor(of: getpid(), holding: nil) }
}
