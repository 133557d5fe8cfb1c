import Glibc

@testable import cadenas_dev

/// Looks for card numbers in memory and files, in every form in which a program could leave them.
///
/// All numbers begin with the same six digits, so that a search costs four passes of `memchr` and not
/// four for each number.
struct NumberSearch: Sendable {
  static let prefix = "497010"

  /// A form of a number.
  enum Form: String, CaseIterable, Sendable {
    case ascii = "ASCII"
    case packed = "packed decimal"
    case packedOdd = "packed decimal that begins within a byte"
    case utf16 = "UTF-16"

    /// The bytes that `digits` have for certain in this form, whatever stands around them.
    func bytes(of digits: String) -> [UInt8] {
      let values = digits.utf8.map { $0 - 0x30 }
      switch self {
      case .ascii: return Array(digits.utf8)
      case .packed: return Self.pairs(values[...])
      case .packedOdd: return Self.pairs(values.dropFirst())
      // What both byte orders have in common: the zero bytes between the digits.
      case .utf16: return Array(digits.utf8.flatMap { [$0, 0] }.dropLast())
      }
    }

    private static func pairs(_ values: ArraySlice<UInt8>) -> [UInt8] {
      stride(from: values.startIndex, to: values.endIndex - 1, by: 2)
        .map { values[$0] << 4 | values[$0 + 1] }
    }
  }

  /// One number that was found.
  struct Hit: Sendable {
    let form: Form
    let number: String
    /// From the start of what was searched.
    let offset: Int
  }

  private struct Pattern {
    let form: Form
    let start: [UInt8]
    /// The numbers by their bytes, which all have one length.
    let numbers: [[UInt8]: String]
    let length: Int
  }

  private let patterns: [Pattern]

  /// A search for `numbers`, which begin with ``prefix`` and have 16 digits.
  init(_ numbers: [String]) {
    precondition(numbers.allSatisfy { $0.hasPrefix(Self.prefix) && $0.utf8.count == 16 })
    patterns = Form.allCases.map { form in
      var known: [[UInt8]: String] = [:]
      for number in numbers { known[form.bytes(of: number)] = number }
      return Pattern(
        form: form, start: form.bytes(of: Self.prefix), numbers: known,
        length: known.first?.key.count ?? 0)
    }
  }

  /// The longest that a number is, in bytes.
  static let longest = 31

  /// Every number in `bytes`.
  func hits(in bytes: [UInt8]) -> [Hit] {
    unsafe bytes.withUnsafeBytes { buffer in
      guard let base = buffer.baseAddress else { return [] }
      var hits: [Hit] = []
      for pattern in patterns {
        var offset = 0
        while offset + pattern.length <= buffer.count,
          let found = unsafe memchr(
            base + offset, Int32(pattern.start[0]), buffer.count - pattern.length - offset + 1)
        {
          let place = unsafe UnsafeRawPointer(found) - base
          offset = place + 1
          guard unsafe memcmp(found, pattern.start, pattern.start.count) == 0 else { continue }
          let candidate = Array(bytes[place..<place + pattern.length])
          if let number = pattern.numbers[candidate] {
            hits.append(Hit(form: pattern.form, number: number, offset: place))
          }
        }
      }
      return hits
    }
  }

  /// Every number in the file at `path`, which may be the memory of a process: `ranges` says what of
  /// it is read. What cannot be read, such as a mapping past its file's end, is passed over.
  /// - Throws: ``Stage/Failed`` where the file cannot be opened.
  func hits(in path: String, ranges: [Range<UInt64>]) throws -> [(at: UInt64, Hit, around: [UInt8])]
  {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw DevelopmentError.system(path) }
    defer { close(descriptor) }
    var result: [(at: UInt64, Hit, around: [UInt8])] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 20)
    for range in ranges {
      var start = range.lowerBound
      while start < range.upperBound {
        let wanted = Int(min(UInt64(chunk.count), range.upperBound - start))
        let count = unsafe pread(descriptor, &chunk, wanted, off_t(truncatingIfNeeded: start))
        guard count > 0 else {
          // An unreadable page: go on with the one after it.
          start = (start | 0xfff) + 1
          continue
        }
        let bytes = Array(chunk[..<count])
        for hit in hits(in: bytes) {
          let around = bytes[max(0, hit.offset - 64)..<min(count, hit.offset + 96)]
          result.append((start + UInt64(hit.offset), hit, Array(around)))
        }
        // The end is searched again with what follows it, in case a number lies across.
        start += UInt64(
          count > Self.longest && count == wanted && start + UInt64(count) < range.upperBound
            ? count - Self.longest : count)
      }
    }
    return result
  }
}

/// The readable memory of another process.
struct ProcessMemory {
  /// One line of `/proc/PID/maps`.
  struct Mapping {
    let range: Range<UInt64>
    let name: String
  }

  let process: pid_t
  let mappings: [Mapping]

  /// Reads the list of mappings: those that the process may read itself, or all.
  /// - Throws: ``Stage/Failed`` where it cannot be read: a process that is not dumpable is for root.
  init(of process: pid_t, readable: Bool = true) throws {
    self.process = process
    let path = "/proc/\(process)/maps"
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw DevelopmentError.system(path) }
    defer { close(descriptor) }
    var text: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while case let count = unsafe read(descriptor, &chunk, chunk.count), count > 0 {
      text += chunk[..<count]
    }
    mappings = String(decoding: text, as: UTF8.self).split(separator: "\n").compactMap { line in
      let fields = line.split(separator: " ", maxSplits: 5)
      let bounds = fields[0].split(separator: "-").compactMap { UInt64($0, radix: 16) }
      // The kernel's own page cannot be read from outside.
      guard bounds.count == 2, !readable || fields[1].hasPrefix("r"), !line.hasSuffix("[vsyscall]"),
        !line.hasSuffix("[vvar]")
      else { return nil }
      let name = fields.count > 5 ? fields[5].drop(while: { $0 == " " }) : ""
      return Mapping(range: bounds[0]..<bounds[1], name: String(name))
    }
    guard !mappings.isEmpty else { throw Stage.Failed("\(path) shows nothing: not root?") }
  }

  /// Where the mappings of a process begin that are locked in memory.
  static func lockedStarts(of process: pid_t) throws -> Set<UInt64> {
    var starts: Set<UInt64> = []
    var start: UInt64?
    for line in try ChildProcess.run(["cat", "/proc/\(process)/smaps"]).split(separator: "\n") {
      let fields = line.split(separator: " ")
      if fields[0] == "VmFlags:" {
        if let start, fields.contains("lo") { starts.insert(start) }
      } else if !fields[0].hasSuffix(":") {
        start = fields[0].split(separator: "-").first.flatMap { UInt64($0, radix: 16) }
      }
    }
    return starts
  }

  /// Every number of `search`, each as a line that says where, in which form, and what stands around.
  func find(_ search: NumberSearch) throws -> [String] {
    try search.hits(in: "/proc/\(process)/mem", ranges: mappings.map(\.range)).map { found in
      let mapping = mappings.first { $0.range.contains(found.at) }
      let around = found.around.map { (0x20...0x7e).contains($0) ? String(UnicodeScalar($0)) : "." }
      return "\(found.1.number) as \(found.1.form.rawValue) at \(String(found.at, radix: 16)) in "
        + "\(mapping?.name ?? ""): \(around.joined())"
    }
  }
}
