import Testing

/// The rules of the house that a compiler does not check.
@Suite struct HouseTests {
  /// Numbers that payment companies publish for tests; no card has them.
  private static let published: Set<String> = [
    "2223000048400011", "2223003122003222", "30569309025904", "3530111333300000", "371449635398431",
    "378282246310005", "4000000000000002", "4012888888881881", "4111111111111111",
    "4222222222222", "4242424242424242", "4462030000000000", "4917300800000000",
    "4917610000000000", "4970100000000014", "4970105181818183", "5105105105105100",
    "5200828282828210", "5555555555554444", "5970100300000018", "6011000990139424",
    "6011111111111117",
    "4035501000000008", "4035501428146300", "4360000001000005", "4379000000001110",
    "6000070736169237003", "6304000000000000", "639002000000000003", "6703444444444449",
    "6759649826438453", "6771798021000008", "6799998900000099990",
  ]

  @Test func everyCardNumberIsAPublishedTestNumber() {
    for folder in ["Sources", "Tests", "deploy", "keys"] {
      for file in SourceTree.files(in: folder) {
        for number in Self.cardNumbers(in: file.text) where !Self.published.contains(number) {
          Issue.record("\(file) holds \(number.prefix(6))…\(number.suffix(4)), which passes Luhn")
        }
      }
    }
  }

  @Test func cardNumbersAreFoundWithAndWithoutSeparators() {
    let text = "a 4111111111111111, b 4111-1111 1111-1111, c 4111111111111112, d x4111111111111111"
    #expect(Self.cardNumbers(in: text) == ["4111111111111111", "4111111111111111"])
  }

  @Test func nothingIsLeftToDoWithoutSayingWhere() throws {
    let mark = try Regex("\\b(TO" + "DO|FIX" + "ME)\\b(?!\\(issue [0-9]+\\): )")
    for folder in ["Sources", "Tests", "deploy", "keys"] {
      for file in SourceTree.files(in: folder) {
        for (index, line) in file.lines.enumerated() where line.contains(mark) {
          Issue.record("\(file):\(index + 1) leaves something to do: name its issue, or do it")
        }
      }
    }
  }

  @Test func nothingStopsTheProcessOnInput() {
    let words = ["fatal" + "Error(", "try" + "! ", " as" + "! "]
    for file in SourceTree.swift(in: "Sources") {
      for (index, line) in file.lines.enumerated() {
        for word in words where line.contains(word) && !line.contains("//") {
          Issue.record("\(file):\(index + 1) uses \(word)")
        }
      }
    }
  }

  @Test func everyOperationOfTheAdministrationIsRegistered() throws {
    let files = SourceTree.swift(in: "Sources/Administration")
    let registry = try #require(files.first { $0.path.hasSuffix("/AdminRegistry.swift") })
    var count = 0
    for file in files {
      for match in file.text.matches(of: /struct (\w+): (?:Plain)?AdminOperation\b/) {
        count += 1
        #expect(registry.text.contains("\(match.1).self,"), "\(file): \(match.1) cannot be asked")
      }
    }
    #expect(count > 30, "the operations were not found")
  }

  @Test func everyUncheckedConformanceIsProved() {
    for file in SourceTree.swift(in: "Sources") {
      let lines = file.lines
      for (index, line) in lines.enumerated()
      where line.contains("@unchecked" + " Sendable") && !line.contains("//") {
        let around = lines[max(0, index - 4)..<min(lines.count, index + 5)]
        #expect(
          around.contains { $0.contains("// ") }, "\(file):\(index + 1) does not say why it holds")
      }
    }
  }

  @Test func noTestSleeps() {
    for file in SourceTree.swift(in: "Tests") where file.target != "TidyTests" {
      for (index, line) in file.lines.enumerated() {
        for word in ["sleep(", "Task.sleep"] where line.contains(word) {
          Issue.record("\(file):\(index + 1) sleeps: wait for what should happen instead")
        }
      }
    }
  }

  /// The numbers in `text` that a card could have: 12 to 19 digits that pass Luhn, of a card's
  /// first digits, alone or in groups.
  private static func cardNumbers(in text: String) -> [String] {
    let bytes = Array(text.utf8)
    var numbers: [String] = []
    var index = 0
    while index < bytes.count {
      guard isDigit(bytes[index]) else {
        index += 1
        continue
      }
      var digits: [UInt8] = []
      let start = index
      while index < bytes.count {
        if isDigit(bytes[index]) {
          digits.append(bytes[index])
        } else if !isSeparator(bytes, index) {
          break
        }
        index += 1
      }
      let isWord = start > 0 && isWordByte(bytes[start - 1])
      let continues = index < bytes.count && isWordByte(bytes[index])
      if !isWord, !continues, (12...19).contains(digits.count), (0x32...0x36).contains(digits[0]),
        passesLuhn(digits)
      {
        numbers.append(String(decoding: digits, as: UTF8.self))
      }
    }
    return numbers
  }

  private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

  private static func isSeparator(_ bytes: [UInt8], _ index: Int) -> Bool {
    (bytes[index] == 0x20 || bytes[index] == 0x2d) && index + 1 < bytes.count
      && isDigit(bytes[index + 1])
  }

  private static func isWordByte(_ byte: UInt8) -> Bool {
    byte == 0x5f || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
  }

  private static func passesLuhn(_ digits: [UInt8]) -> Bool {
    var sum = 0
    for (index, byte) in digits.reversed().enumerated() {
      let digit = Int(byte - 0x30) * (index.isMultiple(of: 2) ? 1 : 2)
      sum += digit > 9 ? digit - 9 : digit
    }
    return sum.isMultiple(of: 10)
  }
}
