import ArgumentParser
import Glibc

struct PayPalCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "paypal",
    abstract: "Run the PayPal that pretends.",
    discussion: """
      It speaks what a checkout uses of PayPal's REST API (access tokens, Orders v2) and has the page \
      on which a payer approves, with the buttons approve and cancel. It decides by amount in the \
      smallest unit: 210002 the instrument is declined, once; 210003 the capture is pending, until \
      POST /settle (token, status COMPLETED or DECLINED); 210004 the capture answers 500 and has \
      happened; 210005 the access token is refused, and the next too; 210006 the capture is never \
      answered, and has not happened; 210007 creating answers 500; 210008 the capture is declined; \
      210009 the capture answers 500 and has not happened, once. Anything else is approved. GET \
      /received tells what was captured.
      """)

  @Option(help: ArgumentHelp("The development certificates.", valueName: "dir"))
  var pki: String

  @Option(help: ArgumentHelp("Address and port; port 0 for a free one.", valueName: "address"))
  var listen = "127.0.0.1:0"

  @Option(help: "The client id that may ask for access tokens.")
  var clientID = "shop"

  @Option(help: ArgumentHelp("Its secret; without it any will do.", valueName: "file"))
  var secretFile: String?

  func run() throws {
    let signals = SignalWaiter(SIGTERM, SIGINT)
    let secret = try secretFile.map { try DevelopmentFiles.readSecret($0) }
    let server = try PayPalSimulator.start(
      on: try Endpoint(listen), with: TLSMaterial(directory: pki),
      account: PayPalSimulator.Account(client: clientID, secret: secret), log: Terminal.complain)
    Terminal.say(#"{"paypal":"\#(server.endpoint.url)"}"#)
    _ = signals.wait()
  }
}
