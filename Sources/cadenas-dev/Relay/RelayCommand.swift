import ArgumentParser
import Glibc
import NIOCore

struct RelayCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "relay",
    abstract: "Stand between two programs as a long way does.",
    discussion: """
      Every chunk is held for so long in each direction, so that a round trip takes twice as much. \
      TCP's own round trip when a connection is made is not held up. One line of JSON says where it \
      listens; SIGTERM ends it.
      """,
    shouldDisplay: false)

  @Option(help: ArgumentHelp("Address and port; port 0 for a free one.", valueName: "address"))
  var listen = "127.0.0.1:0"

  @Option(help: ArgumentHelp("Where it leads.", valueName: "address"))
  var to: String

  @Option(help: "Milliseconds that a chunk is held, 0 to 10000.")
  var hold = 10

  func validate() throws {
    guard (0...10_000).contains(hold) else {
      throw ValidationError("--hold is out of its bounds; see --help")
    }
  }

  func run() throws {
    let signals = SignalWaiter(SIGTERM, SIGINT)
    let relay = try Relay.start(
      on: try Endpoint(listen), to: try Endpoint(to), holding: .milliseconds(Int64(hold)))
    Terminal.say(#"{"relay":"\#(relay.url)"}"#)
    _ = signals.wait()
  }
}
