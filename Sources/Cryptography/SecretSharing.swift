internal import Bytes
package import SecretMemory

/// Shamir's secret sharing: any `threshold` of the shares rebuild a secret, and fewer say nothing
/// about it, whatever somebody can compute.
///
/// Each byte of the secret is the value at 0 of a polynomial of its own over GF(2^8) modulo 0x11B,
/// of degree `threshold` − 1 and otherwise random; the share with the coordinate x holds the values
/// at x. A share carries no check of its own: a wrong one gives another secret without a word, so
/// whoever keeps shares keeps a commitment to each.
///
/// What is done with bytes of a secret or of a share takes the same time and touches the same memory
/// whatever they are: there are no tables and no branches on them. Coordinates are not secret.
/// - Source: ISO/IEC 19592-2; A. Shamir, *How to share a secret*, 1979.
package enum SecretSharing {
  /// How many shares there may be.
  package static let shareCounts = 2...15

  /// Splits `secret` into `count` shares with the coordinates 1 to `count`.
  ///
  /// - Throws: ``CryptographyError/malformedInput`` for an empty secret, and unless
  ///   2 ≤ `threshold` ≤ `count` ≤ 15; ``CryptographyError/memoryUnavailable``.
  package static func split(
    _ secret: RawSpan, threshold: Int, count: Int
  ) throws(CryptographyError) -> SecretShares {
    guard secret.byteCount > 0, shareCounts.contains(count), (2...count).contains(threshold) else {
      throw .malformedInput
    }
    let coefficients = try onMemory(.random(count: (threshold - 1) * secret.byteCount))
    return try split(secret, coefficients: coefficients.bytes, count: count)
  }

  /// Splits with given coefficients: those of x, one for each byte of the secret, then those of x²
  /// and so on.
  static func split(
    _ secret: RawSpan, coefficients: RawSpan, count: Int
  ) throws(CryptographyError) -> SecretShares {
    let size = secret.byteCount
    precondition(coefficients.byteCount % size == 0, "each byte has as many coefficients")
    var shares = try SecretBytes.forCryptography(count: count * size)
    var output = shares.mutableBytes
    for share in 0..<count {
      for index in 0..<size {
        // Horner's rule, from the highest coefficient down.
        var value: UInt8 = 0
        for start in stride(from: coefficients.byteCount - size, through: 0, by: -size) {
          value = GF256.product(value ^ coefficients.byte(start + index), UInt8(share + 1))
        }
        output.setOctet(value ^ secret.byte(index), at: share * size + index)
      }
    }
    return SecretShares(memory: shares, size: size)
  }

  /// Rebuilds the secret of which `shares`, one after the other and all of one size, are the shares
  /// with the given coordinates.
  ///
  /// Where there are fewer than the threshold, or one is wrong, the result is another secret.
  /// - Throws: ``CryptographyError/malformedInput`` unless the coordinates are 1 to 15, each once, and
  ///   at least two, and the bytes can be divided among them; ``CryptographyError/memoryUnavailable``.
  package static func combine(
    _ shares: RawSpan, coordinates: [UInt8]
  ) throws(CryptographyError) -> SecretBytes {
    guard shareCounts.contains(coordinates.count), Set(coordinates).count == coordinates.count,
      coordinates.allSatisfy({ (1...shareCounts.upperBound).contains(Int($0)) }),
      shares.byteCount > 0, shares.byteCount % coordinates.count == 0
    else { throw .malformedInput }
    let size = shares.byteCount / coordinates.count
    var secret = try SecretBytes.forCryptography(count: size)
    var output = secret.mutableBytes
    for (share, coordinate) in coordinates.enumerated() {
      let weight = weight(of: coordinate, among: coordinates)
      for index in 0..<size {
        let term = GF256.product(shares.byte(share * size + index), weight)
        output.add(term, at: index)
      }
    }
    return secret
  }

  /// The value at 0 of the polynomial that is 1 at `coordinate` and 0 at the others (Lagrange).
  private static func weight(of coordinate: UInt8, among coordinates: [UInt8]) -> UInt8 {
    coordinates.reduce(1) { weight, other in
      guard other != coordinate else { return weight }
      return GF256.product(weight, GF256.product(other, GF256.inverse(other ^ coordinate)))
    }
  }
}

/// The shares of one secret, in one piece of secret memory.
package struct SecretShares: ~Copyable, Sendable {
  fileprivate let memory: SecretBytes
  fileprivate let size: Int

  /// The number of shares.
  package var count: Int { memory.count / size }

  /// A copy of the share with the coordinate `coordinate`, 1 to ``count``, in memory of its own.
  ///
  /// - Throws: ``CryptographyError/memoryUnavailable``.
  package func share(at coordinate: Int) throws(CryptographyError) -> SecretBytes {
    precondition((1...count).contains(coordinate), "a share has a coordinate from 1 to their count")
    let start = (coordinate - 1) * size
    return try onMemory(SecretBytes(copying: memory.bytes.extracting(start..<start + size)))
  }
}

/// The field with 256 elements, modulo x^8 + x^4 + x^3 + x + 1, in constant time.
enum GF256 {
  /// The product of two elements: for each bit of `second`, `first` times the power of x that it
  /// stands for, or 0, chosen by a mask and not by a branch.
  static func product(_ first: UInt8, _ second: UInt8) -> UInt8 {
    var (product, multiple): (UInt8, UInt8) = (0, first)
    for bit: UInt8 in 0..<8 {
      product ^= multiple & (0 &- (second >> bit & 1))
      multiple = multiple << 1 ^ (0x1B & (0 &- (multiple >> 7)))
    }
    return product
  }

  /// The inverse of an element other than 0, its power 254. Of 0, which has none, it is 0.
  static func inverse(_ element: UInt8) -> UInt8 {
    var (power, inverse) = (element, 1 as UInt8)
    // 254 is the sum of 2^1 to 2^7.
    for _ in 1...7 {
      power = product(power, power)
      inverse = product(inverse, power)
    }
    return inverse
  }
}

extension MutableRawSpan {
  @_lifetime(self: copy self)
  fileprivate mutating func setOctet(_ value: UInt8, at offset: Int) {
    storeBytes(of: value, toByteOffset: offset, as: UInt8.self)
  }

  /// Adds `term` to the byte at `offset`.
  @_lifetime(self: copy self)
  fileprivate mutating func add(_ term: UInt8, at offset: Int) {
    let value = unsafe unsafeLoad(fromByteOffset: offset, as: UInt8.self)
    storeBytes(of: value ^ term, toByteOffset: offset, as: UInt8.self)
  }
}
