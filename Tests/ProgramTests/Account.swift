import Glibc

@testable import cadenas_dev

/// As whom the programs run under test: as the tests' own user or, where that is root, as an ordinary
/// account without any capability, since that is what they are made for. What needs root in a test
/// (to read a process's memory, to mount, to be somebody else) is the test, and never the vault.
enum Account {
  /// An account that every system has, so that none has to be made; it owns nothing, and none of the
  /// tests' persons (`daemon`, `games`) are it.
  private static let ordinary = "nobody"

  /// Its name, which the administration socket knows it by.
  static var name: String {
    get throws {
      let user = unsafe try entry
      guard let name = unsafe user.pw_name else { throw Stage.Failed("this user has no name") }
      return unsafe String(cString: name)
    }
  }

  /// The name of its group.
  static var group: String {
    get throws {
      guard let entry = unsafe getgrgid(try entry.pw_gid), let name = unsafe entry.pointee.gr_name
      else { throw Stage.Failed("the account's group has no name") }
      return unsafe String(cString: name)
    }
  }

  private static var isChanged: Bool { getuid() == 0 }

  private static var entry: passwd {
    get throws {
      guard let entry = unsafe isChanged ? getpwnam(ordinary) : getpwuid(getuid()) else {
        throw Stage.Failed("there is no account \(ordinary), or this user has no name")
      }
      return unsafe entry.pointee
    }
  }

  // MARK: - Running

  /// The programs of this build, or those of the folder that `CADENAS_PROGRAMS` names, run as the
  /// account.
  static var programs: Programs { get throws { try found.get() } }

  private static let found = Result { try find() }

  private static func find() throws -> Programs {
    var programs = try Programs.beside()
    if let folder = unsafe getenv("CADENAS_PROGRAMS") {
      let path = unsafe String(cString: folder)
      programs = Programs(development: "\(path)/cadenas-dev", vault: "\(path)/cadenas")
    }
    guard isChanged else { return programs }
    // A clone can lie below a directory that the account may not enter, such as root's own, and so can
    // the toolchain.
    let folder = try copies.get()
    atexit { _ = try? ChildProcess.run(["rm", "-rf", Account.copies.get()]) }
    let all = [programs.development, programs.vault, programs.page]
    try ChildProcess.run(["cp"] + all + [folder])
    for program in all {
      try ChildProcess.run(["\(root)/deploy/copy-libraries", program, folder])
    }
    try ChildProcess.run(["chmod", "-R", "a+rX", folder])
    let copied = Programs(
      development: "\(folder)/cadenas-dev", vault: "\(folder)/cadenas",
      account: try command(as: ordinary))
    do {
      try ChildProcess.run(copied.vaultCommand(["--version"]))
    } catch {
      throw Stage.Failed(
        "\(ordinary) cannot run the programs, perhaps since it may not enter TMPDIR: \(error)")
    }
    return copied
  }

  /// The root of the repository.
  private static let root =
    #filePath.split(separator: "/").dropLast(3).map { "/\($0)" }.joined()

  /// Where the copies of programs and libraries lie until the tests end.
  private static let copies = Result {
    try DevelopmentFiles.makeTemporaryDirectory(prefix: "cadenas-programs")
  }

  /// What comes before a command that is run as the account `name`, without any capability and
  /// without a way to one, in a directory that it may enter: this process's own need not be. Takes
  /// root.
  ///
  /// All have one group, so that the administration socket can be theirs.
  static func command(as name: String) throws -> [String] {
    ["env", "--chdir=/", "LD_LIBRARY_PATH=\(try copies.get())", "setpriv", "--reuid", name]
      + ["--regid", try group, "--clear-groups", "--inh-caps=-all", "--bounding-set=-all"]
      + ["--no-new-privs"]
  }

  // MARK: - Its files

  /// A new directory that is the account's.
  static func makeTemporaryDirectory(prefix: String) throws -> String {
    let path = try DevelopmentFiles.makeTemporaryDirectory(prefix: prefix)
    try give(path)
    return path
  }

  /// A new directory `path` that is the account's.
  static func makeDirectory(_ path: String) throws {
    try DevelopmentFiles.makeDirectory(path)
    try give(path)
  }

  /// Writes the file at `path`, which is the account's.
  static func write(_ bytes: [UInt8], to path: String) throws {
    try DevelopmentFiles.write(bytes, to: path)
    try give(path)
  }

  /// Copies what is in the directory `source` into the directory `destination`, for the account alone:
  /// of modes, a repository keeps only whether a file can be run.
  static func copy(contentsOf source: String, into destination: String) throws {
    try ChildProcess.run(["cp", "-rT", source, destination])
    try ChildProcess.run(["chmod", "-R", "u=rwX,go=", destination])
    guard isChanged else { return }
    try ChildProcess.run(["chown", "-R", "\(try name):\(try group)", destination])
  }

  private static func give(_ path: String) throws {
    let user = unsafe try entry
    guard unsafe chown(path, user.pw_uid, user.pw_gid) == 0 else {
      throw DevelopmentError.system(path)
    }
  }
}

extension Programs {
  /// The command line `cadenas-dev ARGUMENT…`.
  func developmentCommand(_ arguments: [String]) -> [String] {
    account + [development] + arguments
  }
}
