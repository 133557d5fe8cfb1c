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
    #expect(try TimeArgument.milliseconds("1970-01-01T02:00:00+02:00", endOfDay: true) == 0)
    #expect(
      try TimeArgument.milliseconds("1969-12-31T18:30:00.250-05:30", endOfDay: false) == 250)
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
