import ArgumentParser
import Glibc
import JSON

struct UpCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "up",
    abstract: "Run a throwaway vault and an acquirer.",
    discussion: """
      The directory holds everything: certificates, configuration, keys, store, logs. It is made \
      where it is absent, and started again as it is where it is there, on new ports. When both \
      answer, one line of JSON says where; SIGTERM or SIGINT stops both.
      """)

  @Option(help: ArgumentHelp("The installation's directory.", valueName: "dir"))
  var directory: String

  func run() throws {
    let signals = SignalWaiter(SIGTERM, SIGINT, SIGCHLD)
    let programs = try Programs.beside()
    let installation = try Installation(directory: try DevelopmentFiles.absolute(directory))
    let ports = try LoopbackPort.choose(3)
    let vault = Endpoint(host: "127.0.0.1", port: ports[0])
    let acquirer = Endpoint(host: "127.0.0.1", port: ports[1])
    let acs = Endpoint(host: "127.0.0.1", port: ports[2])
    try installation.prepare(vault: vault, acquirer: acquirer, program: programs.vault)
    let supervisor = Supervisor(installation: installation, signals: signals)
    try supervisor.run(
      vault: vault, acquirer: acquirer, accessControl: acs, programs: programs
    ) { service, simulator in
      let json = JSONWriter.document { json in
        json.member("vault", string: vault.url)
        json.member("acquirer", string: acquirer.url)
        json.member("acs", string: acs.url)
        json.member("directory", string: installation.directory)
        json.member("vault_pid", integer: service.pid)
        json.member("acquirer_pid", integer: simulator.pid)
      }
      Terminal.say(String(decoding: json, as: UTF8.self))
    }
  }
}
