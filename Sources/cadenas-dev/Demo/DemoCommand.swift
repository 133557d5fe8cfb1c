import ArgumentParser

struct DemoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "demo",
    abstract: "Tell a purchase as a story.",
    discussion: """
      A vault, an acquirer and a payment page of its own, in a directory that is removed at the end. Each step is \
      checked as it is told; the exit status is 0 only if everything was so.
      """)

  func run() throws {
    let directory = try DevelopmentFiles.makeTemporaryDirectory(prefix: "cadenas-demo")
    defer { _ = try? ChildProcess.run(["rm", "-rf", directory]) }
    let stage = try RunningInstallation(
      directory: directory, programs: Programs.beside(), life: .bound, hasPage: true)
    defer { stage.stop() }
    var story = try DemoStory(stage, Narrator(colours: Terminal.isTerminal))
    try story.tell()
    guard stage.stop() == .exited(0) else {
      throw DevelopmentError.unexpected("vault, acquirer and page did not stop as they should")
    }
    Terminal.say()
    Terminal.say(
      "  Vault, acquirer and page have stopped. \(story.proofs) things were claimed and checked.")
    Terminal.say()
  }
}
