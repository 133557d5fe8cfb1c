import Testing

@testable import cadenas_dev

@Suite struct DevDemoTests {
  @Test func theStoryIsTrueAndEndsByItself() throws {
    let story = try ChildProcess.run(Account.programs.developmentCommand(["demo"]))
    #expect(story.contains("things were claimed and checked"))
    #expect(!story.contains("\u{1b}"), "colours are for a terminal only")
  }
}
