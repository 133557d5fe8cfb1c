import Testing

@testable import cadenas_dev

@Suite struct DevDiskSearchTests {
  private static let number = "4970105181818183"

  @Test(arguments: DiskSearch.Form.allCases)
  func aNumberIsFoundInEachForm(form: DiskSearch.Form) throws {
    try withScratchDirectory { directory in
      let bytes = [UInt8](repeating: 0x41, count: 100) + form.bytes(of: Self.number) + [0x42]
      try DevelopmentFiles.write(bytes, to: "\(directory)/file")
      let result = try DiskSearch(numbers: [Self.number]).search(below: directory)
      #expect(result.hits == ["\(directory)/file at 100"])
      #expect(result.bytes == bytes.count)
    }
  }

  @Test func aNumberAcrossTwoReadsIsFoundOnce() throws {
    try withScratchDirectory { directory in
      for shift in [-17, -16, -9, -1, 0, 1] {
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        bytes.replaceSubrange((bytes.count + min(shift, 0))..., with: [])
        bytes += [UInt8](repeating: 0, count: max(shift, 0)) + Array(Self.number.utf8)
        bytes += [UInt8](repeating: 0, count: 200)
        try DevelopmentFiles.write(bytes, to: "\(directory)/file")
        let result = try DiskSearch(numbers: [Self.number]).search(below: directory)
        #expect(result.hits == ["\(directory)/file at \((1 << 20) + shift)"])
      }
    }
  }

  @Test func aNumberOfOddLengthIsFoundPackedOnEitherSide() throws {
    try withScratchDirectory { directory in
      let left: [UInt8] = [0x37, 0x82, 0x82, 0x24, 0x63, 0x10, 0x00, 0x5f]
      let right: [UInt8] = [0x03, 0x78, 0x28, 0x22, 0x46, 0x31, 0x00, 0x05]
      for (index, bytes) in [left, right].enumerated() {
        try DevelopmentFiles.write(bytes, to: "\(directory)/\(index)")
      }
      let result = try DiskSearch(numbers: ["378282246310005"]).search(below: directory)
      #expect(result.hits == ["\(directory)/0 at 0", "\(directory)/1 at 1"])
    }
  }

  @Test func aDumpShowsOffsetBytesAndText() {
    let lines = Hexdump.lines(Array("0123456789abcdef!".utf8), from: 0x1230)
    #expect(
      lines[0] == "00001230  30 31 32 33 34 35 36 37 38 39 61 62 63 64 65 66  |0123456789abcdef|")
    #expect(lines[1].hasPrefix("00001240  21 "))
    #expect(lines[1].hasSuffix("|!|"))
  }
}
