import ArgumentParser
import CScrub
import PaymentPage

@main struct CadenasPage: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "cadenas-page")
}
