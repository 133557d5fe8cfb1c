import Glibc

/// A card number of which no test holds the digits: they are kept masked, and put into place only
/// where a request or a slot is made of them.
struct MaskedNumber: Sendable {
  private static let mask: UInt8 = 0x5A

  private let masked: [UInt8]

  /// 16 random digits of a Visa range, with the right check digit.
  init() {
    var masked = Array("497010".utf8).map { $0 ^ Self.mask }
    for _ in 0..<9 { masked.append(UInt8.random(in: 0x30...0x39) ^ Self.mask) }
    var sum = 0
    for (offset, digit) in masked.reversed().enumerated() {
      let value = Int((digit ^ Self.mask) - 0x30) * (offset % 2 == 0 ? 2 : 1)
      sum += value > 9 ? value - 9 : value
    }
    masked.append((0x30 + UInt8((10 - sum % 10) % 10)) ^ Self.mask)
    self.masked = masked
  }

  /// How many digits there are.
  var count: Int { masked.count }

  /// The digit at `index` in ASCII.
  func digit(_ index: Int) -> UInt8 { masked[index] ^ Self.mask }

  /// What a scan looks for, by name, each masked: ASCII, UTF-16 in both byte orders, packed decimal.
  private var needles: [(name: String, masked: [UInt8])] {
    let zero = Self.mask
    let packed = stride(from: 0, to: count, by: 2).map { index in
      ((digit(index) & 0x0F) << 4 | digit(index + 1) & 0x0F) ^ Self.mask
    }
    return [
      ("ASCII", masked),
      ("UTF-16, low byte first", masked.flatMap { [$0, zero] }),
      ("UTF-16, high byte first", masked.flatMap { [zero, $0] }),
      ("packed decimal", packed),
    ]
  }

  /// Where the number stands in the readable and writable memory of this process.
  func findInMemory() throws -> [String] {
    let scanner = try MemoryScanner()
    return try needles.flatMap { needle in
      try scanner.find(masked: needle.masked, mask: Self.mask).map { address in
        "\(needle.name) at \(String(address, radix: 16))"
      }
    }
  }
}

struct ScanFailure: Error {
  let step: String
}

/// Searches the memory of this process, but for a region of its own that holds the pieces it looks at
/// and what it looks for.
@safe
private final class MemoryScanner {
  private static let pieceSize = 1 << 20
  private static let needleSize = 64

  private let own: UnsafeMutableRawPointer
  private let memory: CInt

  init() throws {
    let size = Self.pieceSize + Self.needleSize
    let mapped = unsafe mmap(
      nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    guard let mapped = unsafe mapped, unsafe mapped != MAP_FAILED else {
      throw ScanFailure(step: "mmap")
    }
    unsafe own = mapped
    memory = unsafe open("/proc/self/mem", O_RDONLY)
    guard memory >= 0 else { throw ScanFailure(step: "open") }
  }

  deinit {
    close(memory)
    unsafe munmap(own, Self.pieceSize + Self.needleSize)
  }

  /// Every address at which the bytes stand that `masked` is with `mask` taken off.
  func find(masked: [UInt8], mask: UInt8) throws -> [UInt] {
    precondition(masked.count <= Self.needleSize, "a needle fits in its place")
    let needle = unsafe own + Self.pieceSize
    for (offset, byte) in masked.enumerated() {
      unsafe needle.storeBytes(of: byte ^ mask, toByteOffset: offset, as: UInt8.self)
    }
    let ownAddress = UInt(bitPattern: unsafe own)
    var found: [UInt] = []
    var bytesRead = 0
    for range in try writableMappings() where !range.contains(ownAddress) {
      var address = range.lowerBound
      while address < range.upperBound {
        let wanted = min(Self.pieceSize, Int(range.upperBound - address))
        let count = unsafe pread(memory, own, wanted, off_t(address))
        // A mapping may have gone since the list was made.
        guard count > 0 else { break }
        bytesRead += count
        found += find(in: count, length: masked.count).map { address + UInt($0) }
        // Pieces overlap, so that nothing hides in the cut.
        address += UInt(count == Self.pieceSize ? count - Self.needleSize : count)
      }
    }
    guard bytesRead > 1 << 20 else { throw ScanFailure(step: "read") }
    return found
  }

  /// The offsets in the first `count` bytes of the piece at which the needle stands.
  private func find(in count: Int, length: Int) -> [Int] {
    let needle = unsafe own + Self.pieceSize
    // The first byte that is not zero, since zeros are most of a memory.
    let anchor = (0..<length).first { unsafe needle.load(fromByteOffset: $0, as: UInt8.self) != 0 }
    guard let anchor else { return [] }
    let byte = unsafe CInt(needle.load(fromByteOffset: anchor, as: UInt8.self))
    var found: [Int] = []
    var offset = anchor
    while offset < count, let place = unsafe memchr(own + offset, byte, count - offset) {
      let start = unsafe UnsafeRawPointer(place) - UnsafeRawPointer(own) - anchor
      if start + length <= count, unsafe memcmp(own + start, needle, length) == 0 {
        found.append(start)
      }
      offset = start + anchor + 1
    }
    return found
  }
}

/// The mappings that are readable and writable; the pool of secret memory, whose slots are wiped, is
/// one of them.
private func writableMappings() throws -> [Range<UInt>] {
  let maps = unsafe open("/proc/self/maps", O_RDONLY)
  guard maps >= 0 else { throw ScanFailure(step: "maps") }
  defer { close(maps) }
  var text: [UInt8] = []
  var buffer = [UInt8](repeating: 0, count: 65_536)
  while true {
    let count = unsafe read(maps, &buffer, buffer.count)
    guard count > 0 else { break }
    text += buffer[..<count]
  }
  return String(decoding: text, as: UTF8.self).split(separator: "\n").compactMap { line in
    let parts = line.split(separator: " ")
    guard parts.count > 1, parts[1].hasPrefix("rw") else { return nil }
    let ends = parts[0].split(separator: "-").compactMap { UInt($0, radix: 16) }
    guard ends.count == 2, ends[0] < ends[1] else { return nil }
    return ends[0]..<ends[1]
  }
}
