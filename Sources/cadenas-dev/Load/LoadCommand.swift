import ArgumentParser
import NIOCore

/// `cadenas-dev load`.
struct LoadCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "load",
    abstract: "Load a vault, and say what it bears.",
    discussion: """
      Each connection sends its next request when the last is answered. With --rate, requests have \
      their own times and latency counts from those. The report says how much of its own threads \
      the client used: near 100 %, the figures are the client's, not the vault's.
      """)

  enum Format: String, ExpressibleByArgument, CaseIterable { case table, json }

  @Option(help: ArgumentHelp("The vault.", valueName: "url"))
  var vault: String

  @Option(help: ArgumentHelp("The development certificates.", valueName: "dir"))
  var pki: String

  @Option(name: .customLong("as"), help: ArgumentHelp("Whose certificate.", valueName: "name"))
  var client = "shop"

  @Option(help: "How many connections, 1 to 4000.")
  var connections = 64

  @Option(help: "How many seconds are measured.")
  var seconds = 10

  @Option(help: "How many seconds run before that.")
  var warmUp = 1

  @Option(help: "What is asked for.")
  var operation = LoadPlan.Operation.tokenize

  @Option(help: "Which cards.")
  var cards = LoadPlan.Cards.new

  @Option(help: "Requests a second; as many as possible without it.")
  var rate: Int?

  @Option(help: "How many threads of this program, 1 to 64.")
  var threads = 1

  @Option(help: "How the report is written.")
  var format = Format.table

  func validate() throws {
    guard (1...4000).contains(connections), (1...64).contains(threads),
      (1...86_400).contains(seconds), (0...3600).contains(warmUp), rate.map({ $0 > 0 }) ?? true
    else { throw ValidationError("a figure is out of its bounds; see --help") }
  }

  func run() throws {
    let plan = LoadPlan(
      endpoint: try Endpoint(vault), operation: operation, cards: cards, connections: connections,
      threads: threads, measured: .seconds(Int64(seconds)), warmUp: .seconds(Int64(warmUp)),
      rate: rate)
    let run = try LoadRun(plan, as: client, of: TLSMaterial(directory: pki))
    let report: LoadReport
    do {
      report = try run.run()
    } catch {
      throw DevelopmentError.connection("\(plan.endpoint.url): \(error)")
    }
    Console.say(format == .json ? report.json : report.table)
    if report.tally.latency.total == 0 || report.tally.failures > 0 {
      throw DevelopmentError.unexpected("not every request was answered with success")
    }
  }
}
