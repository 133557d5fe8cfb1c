import ArgumentParser

/// `cadenas-dev demo`.
struct DemoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "demo",
    abstract: "Tell a purchase as a story.",
    discussion: """
      A vault and an acquirer of its own, in a directory that is removed at the end. Each step is \
      checked as it is told; the exit status is 0 only if everything was so.
      """)

  func run() throws {
    let stage = try DemoStage()
    defer { stage.strike() }
    var story = try DemoStory(stage, Narrator(colours: Console.isTerminal))
    try story.tell()
    try stage.stop()
    Console.say()
    Console.say(
      "  Vault and acquirer have stopped. \(story.proofs) things were claimed and checked.")
    Console.say()
  }
}
