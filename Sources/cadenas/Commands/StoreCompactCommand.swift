import Administration
import ArgumentParser

struct StoreCompactCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compact",
    abstract: "Write the store anew without what was deleted, while the service goes on.",
    discussion: """
      Ciphertext of deleted cards lies in free pages of the store until they are used again. This \
      writes what lives to a new file, verifies it and puts it in the place of the old one, whose \
      blocks go back to the file system. Reading goes on; what has to be written waits, and none of \
      it fails: two to three seconds for a million cards. Meanwhile the disk holds both files.
      """)

  @OptionGroup var common: CommonOptions
  @OptionGroup var why: ReasonOption

  func run() throws {
    try common.show(CompactStore(because: why.value), offline: true, showing: "compacting") {
      result in
      TextTable.pairs([
        ("before", result.size("bytes_before")), ("after", result.size("bytes_after")),
        ("writing paused", result.text("paused_ms") + " ms"),
      ])
    }
  }
}
