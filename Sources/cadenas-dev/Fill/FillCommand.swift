import ArgumentParser
import ConfigurationReading
import Glibc

struct FillCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fill",
    abstract: "Put test cards into a throwaway vault that does not run.",
    discussion: """
      Cards go through the vault's own code into the store, in batches and without a network: \
      sealed, with fingerprints, audit entries and index, as if the merchant 'shop' had sent them. \
      They are the first of a series, so that 'cadenas-dev bench --filled N' can ask for each.
      """)

  @Option(help: ArgumentHelp("The directory of 'cadenas-dev up'.", valueName: "dir"))
  var directory: String

  @Option(help: "How many cards the store shall hold, 1 to 100000000.")
  var cards: Int

  func validate() throws {
    guard (1...TestCardNumbers.filledSize).contains(cards) else {
      throw ValidationError("--cards is 1 to \(TestCardNumbers.filledSize)")
    }
  }

  func run() throws {
    let directory = try DevelopmentFiles.absolute(directory)
    guard DevelopmentFiles.exists("\(directory)/cadenas.yaml") else {
      throw DevelopmentError.unsuitableDirectory(
        path: directory, reason: "is no installation; make one with 'cadenas-dev up'")
    }
    // Held to the end: nobody starts the vault meanwhile.
    let installation = try Installation(directory: directory)
    let began = ContinuousClock.now
    var filler = try open(installation)
    let before = filler.stored
    try filler.fill(to: cards) { Terminal.complain("\($0) cards") }
    let seconds = (ContinuousClock.now - began) / .seconds(1)
    let added = filler.stored - before
    let text = BenchReport.decimal(seconds, digits: 1)
    Terminal.say("\(filler.stored) cards in the store, \(added) of them new, in \(text) s")
    withExtendedLifetime(installation) {}
  }

  private func open(_ installation: Installation) throws -> StoreFiller {
    do {
      return try StoreFiller(ServiceConfiguration.load(path: installation.configuration))
    } catch let error as DevelopmentError {
      throw error
    } catch {
      throw DevelopmentError.unsuitableDirectory(path: installation.directory, reason: "\(error)")
    }
  }
}
