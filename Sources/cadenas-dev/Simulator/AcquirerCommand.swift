import ArgumentParser
import Glibc

struct AcquirerCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "acquirer",
    abstract: "Run the acquirer that pretends.",
    discussion: """
      It answers by amount: 100001 insufficient funds, 100002 limit exceeded, 100003 do not honour, \
      100004 lost or stolen, 100005 suspected fraud, 100006 authentication required without 3-D \
      Secure data, 100007 rejects the request, 100008 no JSON, 100009 echoes the card number, \
      100010 approves after 2 s, 100011 closes the connection, 100012 approves half, 100013 \
      decides later; anything else is approved, and a card past its expiry is declined. GET /received tells what arrived.
      Its 3-D Secure server decides by amount too: 200002 challenge (the code is 1234), 200003 not \
      available, 200004 attempt, 200005 a challenge that fails with 500, 200006 a challenge at the \
      payment, 200007 a challenge that never answers; anything else needs none.
      """)

  @Option(help: ArgumentHelp("The development certificates.", valueName: "dir"))
  var pki: String

  @Option(help: ArgumentHelp("Address and port; port 0 for a free one.", valueName: "address"))
  var listen = "127.0.0.1:0"

  @Option(help: ArgumentHelp("The same of the access control server.", valueName: "address"))
  var acs = "127.0.0.1:0"

  func run() throws {
    let signals = SignalWaiter(SIGTERM, SIGINT)
    let material = TLSMaterial(directory: pki)
    let desk = AuthenticationDesk()
    let server = try SimulatorServer.start(
      on: try Endpoint(listen), with: material, desk: desk, log: Terminal.complain)
    let issuer = try AccessControlServer.start(
      on: try Endpoint(acs), for: desk, with: material, log: Terminal.complain)
    Terminal.say(#"{"acquirer":"\#(server.endpoint.url)","acs":"\#(issuer.endpoint.url)"}"#)
    _ = signals.wait()
  }
}
