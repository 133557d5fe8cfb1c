import Glibc

/// The two programs, which are built beside each other, and as whom they are run.
struct Programs {
  /// This one.
  let development: String
  /// The vault.
  let vault: String
  /// The payment page.
  var page: String { vault + "-page" }
  /// The command that runs what follows it as another account, so that whoever starts the programs
  /// need not be who they run as; empty where they run as the same one.
  ///
  /// It becomes the program: the process id stays. It comes before everything else, since the kernel
  /// forgets that a process is to die with its parent when the process changes its account.
  var account: [String] = []

  /// The command line `cadenas ARGUMENT…`.
  func vaultCommand(_ arguments: [String]) -> [String] { account + [vault] + arguments }

  /// Finds both in the folder of this process's own executable.
  /// - Throws: ``DevelopmentError/toolMissing(name:remedy:)`` where `cadenas` is not beside it.
  static func beside() throws(DevelopmentError) -> Programs {
    var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
    let count = unsafe readlink("/proc/self/exe", &buffer, buffer.count)
    guard count > 0 else { throw .system("/proc/self/exe") }
    let own = String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    let folder = own.split(separator: "/").dropLast().map { "/\($0)" }.joined()
    let vault = folder + "/cadenas"
    guard DevelopmentFiles.exists(vault) else {
      throw .toolMissing(name: vault, remedy: "build it with: swift build -c release")
    }
    return Programs(development: folder + "/cadenas-dev", vault: vault)
  }
}
