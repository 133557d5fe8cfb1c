/// Looks for card numbers in files, in every form in which a program could have left them.
struct DiskSearch {
  /// A form of a number.
  enum Form: String, CaseIterable {
    case ascii = "ASCII"
    case packed = "packed decimal"
    case utf16 = "UTF-16"

    /// How `number` looks in this form.
    func bytes(of number: String) -> [UInt8] {
      let digits = Array(number.utf8)
      switch self {
      case .ascii: return digits
      case .packed: return DiskSearch.packed(digits)
      // What both byte orders have in common: the zero bytes between the digits.
      case .utf16: return Array(digits.flatMap { [$0, 0] }.dropLast())
      }
    }
  }

  private let patterns: [[UInt8]]
  /// The patterns that start with each byte.
  private let byFirst: [[Int]]

  /// A search for `patterns`, none of them empty or longer than 64 bytes.
  init(_ patterns: [[UInt8]]) {
    precondition(patterns.allSatisfy { (1...64).contains($0.count) }, "patterns are short")
    self.patterns = patterns
    var byFirst = [[Int]](repeating: [], count: 256)
    for (index, pattern) in patterns.enumerated() { byFirst[Int(pattern[0])].append(index) }
    self.byFirst = byFirst
  }

  /// A search for `numbers` in all forms; a packed one of odd length on either side of its byte.
  init(numbers: [String]) {
    var patterns: [[UInt8]] = []
    for number in numbers {
      for form in Form.allCases { patterns.append(form.bytes(of: number)) }
      if !number.utf8.count.isMultiple(of: 2) {
        patterns.append(Self.packed(Array(number.utf8.dropFirst())))
      }
    }
    self.init(patterns)
  }

  /// What a search read and found.
  struct Result {
    var files = 0
    var bytes = 0
    /// `path at offset` for each occurrence.
    var hits: [String] = []
  }

  /// Searches every file below `directory`, but not the sockets.
  func search(below directory: String) throws(DevelopmentError) -> Result {
    let listing = try ChildProcess.run(["find", directory, "-type", "f"])
    var result = Result()
    for path in listing.split(separator: "\n").sorted() {
      try search(String(path), into: &result)
    }
    return result
  }

  /// How often the patterns occur in `bytes`.
  func count(in bytes: [UInt8]) -> Int { matches(in: bytes).count }

  /// The first occurrence in the file at `path` that a record follows, with the bytes from there.
  ///
  /// Free pages keep older copies; any of them shows the same.
  /// - Throws: ``DevelopmentError/unexpected(_:)`` where there is none.
  func firstRecord(
    in path: String, length: Int = 96
  ) throws(DevelopmentError) -> (offset: Int, bytes: [UInt8]) {
    let bytes = try DevelopmentFiles.read(path)
    guard let offset = matches(in: bytes).first else {
      throw .unexpected("\(path) does not hold what was searched")
    }
    return (offset, Array(bytes[offset..<min(offset + length, bytes.count)]))
  }

  private func search(_ path: String, into result: inout Result) throws(DevelopmentError) {
    result.files += 1
    var window: [UInt8] = []
    var start = 0
    var kept = 0
    try DevelopmentFiles.forEachChunk(of: path) { chunk in
      result.bytes += chunk.count
      window += chunk
      for offset in matches(in: window, past: kept) {
        result.hits.append("\(path) at \(start + offset)")
      }
      // The end is searched again with what follows it, in case a number lies across.
      kept = min(window.count, 63)
      start += window.count - kept
      window.removeFirst(window.count - kept)
      return true
    }
  }

  /// Where patterns start that end past the first `known` bytes: others were found before.
  private func matches(in window: [UInt8], past known: Int = 0) -> [Int] {
    var offsets: [Int] = []
    for offset in window.indices {
      for index in byFirst[Int(window[offset])]
      where offset + patterns[index].count > known
        && window[offset...].starts(with: patterns[index])
      {
        offsets.append(offset)
      }
    }
    return offsets
  }

  /// Two digits in a byte; one of odd length is filled with F, as records of the field have it.
  private static func packed(_ digits: [UInt8]) -> [UInt8] {
    stride(from: 0, to: digits.count - 1, by: 2).map { index in
      (digits[index] & 0xf) << 4 | digits[index + 1] & 0xf
    }
  }
}
