import Keyring
import RecordFormat
import Storage
import Testing

@testable import Administration
@testable import cadenas

@Suite("Parts of the command line")
struct CommandLinePartsTests {
  @Test("a time is a date or RFC 3339, and a date may mean its whole day")
  func times() throws {
    #expect(try TimeArgument.milliseconds("1970-01-02", endOfDay: false) == 86_400_000)
    #expect(try TimeArgument.milliseconds("1970-01-02", endOfDay: true) == 2 * 86_400_000)
    #expect(try TimeArgument.milliseconds("1970-01-01T00:00:01Z", endOfDay: true) == 1_000)
    #expect(try TimeArgument.milliseconds("1970-01-01T00:00:00.250Z", endOfDay: false) == 250)
    for text in ["", "yesterday", "1970-13-01", "1970-02-30", "1970-01-01T00:00:00", "70-1-1"] {
      #expect(throws: (any Error).self, "\(text)") {
        try TimeArgument.milliseconds(text, endOfDay: false)
      }
    }
  }

  @Test("lines come out whole however they came in")
  func lines() {
    let text = Array("one\ntwo\n\nthree\n".utf8)
    for size in 1...text.count {
      var assembler = LineAssembler()
      var lines: [String] = []
      for start in stride(from: 0, to: text.count, by: size) {
        let piece = Array(text[start..<min(start + size, text.count)])
        lines += assembler.take(piece[...]).map { String(decoding: $0, as: UTF8.self) }
      }
      #expect(lines == ["one", "two", "", "three"], "pieces of \(size)")
    }
  }

  @Test("text from the log cannot steer a terminal")
  func printable() {
    #expect(Console.printable("a\u{1B}[31mb\u{9B}c\u{202E}d\ne") == "a�[31mb�c�d�e")
    #expect(Console.printable("café 漢") == "café 漢")
  }

  @Test("a table's columns are as wide as what is in them")
  func table() {
    var table = TextTable([("NAME", .left), ("N", .right)])
    table.add(["x", "1"])
    table.add(["longer", "100"])
    #expect(table.text == "NAME      N\nx         1\nlonger  100\n")
  }

  @Test("a table folds text where the terminal is narrow, and never breaks a word")
  func narrowTable() {
    var table = TextTable([("ID", .left), ("WHAT", .left), ("N", .right)])
    table.add(["0a1b2c3d", "one two three four", "1"])
    table.add(["4e5f6a7b", "five", "23"])
    let whole = """
      ID        WHAT                 N
      0a1b2c3d  one two three four   1
      4e5f6a7b  five                23

      """
    #expect(table.text(within: nil) == whole)
    #expect(table.text(within: 32) == whole)
    #expect(table.plainText == whole)
    #expect(
      table.text(within: 23) == """
        ID        WHAT        N
        0a1b2c3d  one two     1
                  three
                  four
        4e5f6a7b  five       23

        """)
    // Narrower than the words of its columns, it is a record for each row.
    #expect(
      table.text(within: 18) == """
        ID    0a1b2c3d
        WHAT  one two three four
        N     1

        ID    4e5f6a7b
        WHAT  five
        N     23

        """)
  }

  @Test("values are folded under each other, and a word that is too long stays whole")
  func narrowPairs() {
    let root = String(repeating: "a", count: 44)
    let pairs = [("a name", "words that go on and on until there is no room"), ("root", root)]
    #expect(
      TextTable.pairs(pairs, within: 40) == """
        a name  words that go on and on until
                there is no room
        root    \(root)

        """)
    #expect(TextTable.pairs(pairs, within: nil).split(separator: "\n").count == 2)
    #expect(TextFold.lines("a  b   c", within: 4) == ["a  b", "c"])
    #expect(TextFold.lines("", within: 0) == [""])
  }

  @Test("a line of progress is shorter than the terminal is wide")
  func narrowProgress() {
    func text(_ columns: Int?) -> String {
      ProgressLine.text(
        "records", done: 5_000, total: 10_000, since: 5_000, elapsed: .seconds(5),
        within: columns)
    }
    let count = "5000 of 10000  1000/s  5 s left"
    #expect(text(nil) == "records [############............] 50 %  \(count)")
    #expect(text(60) == "records 50 %  \(count)")
    #expect(text(40) == "50 %")
    #expect(text(4) == "")
  }

  @Test("sizes are told in the largest unit that fits")
  func sizes() throws {
    let text = #"{"a":0,"b":1023,"c":1536,"d":1073741824,"e":1099511627776,"f":"x"}"#
    let view = try DocumentView(Array(text.utf8))
    #expect(
      ["a", "b", "c", "d", "e", "f"].map(view.size) == [
        "0 bytes", "1023 bytes", "1.5 KiB", "1.0 GiB", "1024.0 GiB", "-",
      ])
  }

  @Test("a failure ends a command with the same status, whether a service told it or not")
  func statuses() {
    let failures: [(any Error, CommandFailure.Status)] = [
      (KeyringError.unknownKey(KeyIdentifier(1)), .refused),
      (KeyringError.keyUsedUp(KeyIdentifier(1)), .refused),
      (KeyringError.sourceRefuses(.noCredentials), .invalid),
      (KeyringError.sourceRefuses(.sharesNeeded), .refused),
      (KeyringError.custody(.rebuiltKeyDiffers(KeyIdentifier(1))), .unavailable),
      (KeyringError.noKeyring, .unavailable), (KeyringError.store(.stopped), .unavailable),
      (StorageError.alreadyExists(file: "f"), .refused),
      (StorageError.mapTooSmall(file: "f", neededBytes: 1), .invalid),
      (AdministrationError.notReplaced("r"), .refused), (AdministrationError.busy, .unavailable),
      (AdministrationError.malformedRequest("m"), .invalid),
      (AdministrationError.notFound("n"), .refused),
    ]
    for (error, status) in failures {
      let told = AdministrationError(any: error)
      let answer = AdminClient.Failure.problem(
        status: told.kind.httpStatus, name: told.kind.rawValue, detail: told.detail)
      #expect(CommandFailure(error).status == status, "\(error)")
      #expect(CommandFailure(answer).status == status, "\(error)")
      #expect(CommandFailure(error).message == CommandFailure(answer).message)
    }
  }
}
