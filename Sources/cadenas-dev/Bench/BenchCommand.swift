import ArgumentParser
import NIOCore

struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Load a vault, check every answer, and say what it bears.",
    discussion: """
      Each connection sends its next request when the last is answered. With --rate, requests have \
      their own times and latency counts from those, late ones included. What an operation needs \
      (tokens to pull or delete) is made before the run. The report says how much of its own \
      threads the client used: near 100 %, the figures are the client's, not the vault's. Exit \
      status 1 where an answer was wrong.
      """)

  enum Format: String, ExpressibleByArgument, CaseIterable { case table, json }

  @Option(help: ArgumentHelp("The vault.", valueName: "url"))
  var vault: String

  @Option(help: ArgumentHelp("The development certificates.", valueName: "dir"))
  var pki: String

  @Option(help: "What is asked for.")
  var operation = BenchPlan.Operation.tokenizeNew

  @Option(help: "How many connections, 1 to 4000; the vault lets one client have 1024 by default.")
  var connections = 64

  @Option(help: "How many seconds are measured.")
  var seconds = 10

  @Option(help: "How many seconds run before that.")
  var warmUp = 1

  @Option(help: "Requests a second; as many as possible without it.")
  var rate: Int?

  @Option(help: "How many cards 'cadenas-dev fill' has put in the store.")
  var filled = 0

  @Option(help: "How many cards get a token before the run; chosen by operation without it.")
  var prepare: Int?

  @Option(
    help: ArgumentHelp(
      "A process whose time is the server's: the vault's, and the acquirer's for payments.",
      valueName: "pid"))
  var process: [Int] = []

  @Option(help: "How many threads of this program, 1 to 64.")
  var threads = 1

  @Option(help: "How the report is written.")
  var format = Format.table

  func validate() throws {
    guard (1...4000).contains(connections), (1...64).contains(threads),
      (1...86_400).contains(seconds), (0...3600).contains(warmUp), rate.map({ $0 > 0 }) ?? true,
      (0...TestCardNumbers.filledSize).contains(filled),
      prepare.map({ (1...100_000_000).contains($0) }) ?? true
    else { throw ValidationError("a figure is out of its bounds; see --help") }
    if operation == .changes, let prepare, prepare < connections {
      throw ValidationError("changes needs a card for each connection: --prepare \(connections)")
    }
  }

  func run() throws {
    let plan = BenchPlan(
      endpoint: try Endpoint(vault), operation: operation, connections: connections,
      threads: threads, measured: .seconds(Int64(seconds)), warmUp: .seconds(Int64(warmUp)),
      rate: rate, filled: filled, wanted: prepare, server: process)
    let report: BenchReport
    do {
      report = try BenchRun(plan: plan, material: TLSMaterial(directory: pki)).run()
    } catch let error as DevelopmentError {
      throw error
    } catch {
      throw DevelopmentError.connection("\(plan.endpoint.url): \(error)")
    }
    Terminal.say(format == .json ? report.json : report.table)
    if report.tally.answered == 0 || report.tally.failures > 0 {
      throw DevelopmentError.unexpected("not every request was answered as it had to be")
    }
  }
}
