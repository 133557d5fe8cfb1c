import Glibc

/// A throwaway installation: a directory with certificates, configuration, keys, store and logs.
struct Installation {
  /// The longest path of a Unix socket, in bytes.
  static let socketPathLimit = 107
  /// What an installation consists of; a directory with other things and none of our configuration
  /// is not ours.
  private static let parts: Set<String> = [
    "acquirers", "admin.sock", "cadenas.yaml", "keys", "logs", "page.sock", "page.yaml", "payments",
    "pki", "shop.secret", "store", "up.lock", "wallet.secret",
  ]

  let directory: String
  /// Held as long as this process lives, so that nobody else starts the same installation.
  private let lock: Int32

  var pki: TLSMaterial { TLSMaterial(directory: path("pki")) }
  var configuration: String { path("cadenas.yaml") }

  /// Takes `directory`, which must be absent, empty or an installation.
  init(directory: String) throws(DevelopmentError) {
    self.directory = directory
    let socket = "\(directory)/admin.sock"
    guard socket.utf8.count <= Self.socketPathLimit else {
      throw .unsuitableDirectory(
        path: directory,
        reason: "its admin.sock would have a path of \(socket.utf8.count) bytes, and a Unix socket "
          + "takes \(Self.socketPathLimit); name a shorter directory")
    }
    try DevelopmentFiles.makeDirectories(directory)
    if !DevelopmentFiles.exists("\(directory)/cadenas.yaml"),
      let foreign = try DevelopmentFiles.names(in: directory).first(where: { !Self.isPart($0) })
    {
      throw .unsuitableDirectory(
        path: directory, reason: "holds '\(foreign)', so it is not an installation; name a new one")
    }
    lock = unsafe open("\(directory)/up.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard lock >= 0 else { throw .system(directory) }
    guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
      throw .unsuitableDirectory(
        path: directory, reason: "is in use: another 'cadenas-dev up' runs there")
    }
  }

  func path(_ name: String) -> String { "\(directory)/\(name)" }

  /// Makes what is missing, and sets the ports. What is there stays as it is.
  func prepare(vault: Endpoint, acquirer: Endpoint, program: String) throws(DevelopmentError) {
    if !DevelopmentPKI.exists(in: path("pki")) { try DevelopmentPKI.make(in: path("pki")) }
    for name in ["acquirers", "keys", "logs"] { try DevelopmentFiles.makeDirectory(path(name)) }
    let template = path("acquirers/simulator.yaml")
    if !DevelopmentFiles.exists(template) {
      try DevelopmentFiles.write(PackageResources.simulator_yaml, to: template)
    }

    var text =
      try DevelopmentFiles.exists(configuration)
      ? DevelopmentFiles.readText(configuration) : freshConfiguration()
    text = try ConfigurationEdit.setListen(vault, in: text)
    text = try ConfigurationEdit.setAcquirer("credit-du-nord", url: acquirer.url, in: text)
    try DevelopmentFiles.write(Array(text.utf8), to: configuration)

    // `init` makes a store whole or not at all, so one that was cut short is simply made again.
    if !DevelopmentFiles.exists(path("store/cards.mdb")) {
      try ChildProcess.run([program, "init", "--config", configuration])
    }
    // Left behind where the vault was killed; the lock says that none runs.
    unsafe unlink(path("admin.sock"))
  }

  private func freshConfiguration() throws(DevelopmentError) -> String {
    let user = getuid()
    guard let entry = unsafe getpwuid(user), let name = unsafe entry.pointee.pw_name else {
      throw .unexpected("user \(user) has no name, and the administration socket knows names only")
    }
    return String(decoding: PackageResources.development_yaml, as: UTF8.self)
      .replacing("USER", with: unsafe String(cString: name))
  }

  private static func isPart(_ name: String) -> Bool {
    parts.contains(name) || name.hasPrefix("pki.partial-")
      // A draft of a start that was cut short.
      || name.hasPrefix("cadenas.yaml.")
  }
}
