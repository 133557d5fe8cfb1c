import Bytes
import SecretMemory
import Testing

@testable import Cryptography

/// The vectors are those of `Vectors/generate-custody.py`.
struct SecretSharingTests {
  @Test func splittingGivesTheVectors() throws {
    for vector in try Vector.read("secret-sharing.txt") {
      let secret = try vector["secret"]
      let coefficients = try vector["coefficients"]
      let count = Int(try vector["count"][0])
      let shares = try SecretSharing.split(
        secret.rawSpan, coefficients: coefficients.rawSpan, count: count)
      let made = shares.count
      #expect(made == count)
      for coordinate in 1...count {
        let share = try copy(of: shares, at: coordinate)
        let expected = try vector["share \(coordinate)"]
        #expect(share == expected)
      }
    }
  }

  @Test func everySubsetOfThresholdSharesRebuildsTheSecret() throws {
    for vector in try Vector.read("secret-sharing.txt") {
      let secret = try vector["secret"]
      let threshold = Int(try vector["threshold"][0])
      let count = Int(try vector["count"][0])
      let shares = try (1...count).map { try vector["share \($0)"] }
      // 455 subsets of 12 among 15 are the most.
      for subset in Self.subsets(of: count, size: threshold) {
        let rebuilt = try combine(subset.map { (UInt8($0), shares[$0 - 1]) })
        #expect(rebuilt == secret)
      }
    }
  }

  @Test func moreSharesThanTheThresholdRebuildTheSecretInAnyOrder() throws {
    let secret = [UInt8](100..<132)
    let shares = try split(secret, threshold: 3, count: 15)
    var order = Array(1...15)
    for count in 3...15 {
      order.shuffle()
      let rebuilt = try combine(order.prefix(count).map { (UInt8($0), shares[$0 - 1]) })
      #expect(rebuilt == secret)
    }
  }

  @Test func fewerSharesOrAWrongOneGiveAnotherSecret() throws {
    let secret = [UInt8](0..<32)
    let shares = try split(secret, threshold: 3, count: 5)
    #expect(try combine([(1, shares[0]), (2, shares[1])]) != secret)
    let wrong = flipping(bit: 77, of: shares[2])
    #expect(try combine([(1, shares[0]), (2, shares[1]), (3, wrong)]) != secret)
    #expect(try combine([(1, shares[0]), (2, shares[1]), (4, shares[2])]) != secret)
  }

  /// What Shamir's proof says, counted out: with one share less than needed, each secret is behind
  /// each value of the shares exactly once.
  @Test func sharesBelowTheThresholdFitEverySecretEquallyOften() throws {
    for secret: UInt8 in [0, 1, 0x53, 0xFF] {
      var seen = Set<UInt8>()
      for coefficient: UInt8 in 0...255 {
        let shares = try SecretSharing.split(
          [secret].rawSpan, coefficients: [coefficient].rawSpan, count: 2)
        seen.insert(try copy(of: shares, at: 2)[0])
      }
      #expect(seen.count == 256)
    }
    // All 65,536 pairs of coefficients at once, each the polynomial of one byte.
    let pairs = (0..<65_536).map { (UInt8($0 >> 8), UInt8($0 & 0xFF)) }
    for secret: UInt8 in [0, 0xA7] {
      let shares = try SecretSharing.split(
        [UInt8](repeating: secret, count: 65_536).rawSpan,
        coefficients: (pairs.map(\.0) + pairs.map(\.1)).rawSpan, count: 5)
      let second = try copy(of: shares, at: 2)
      let fifth = try copy(of: shares, at: 5)
      #expect(Set(zip(second, fifth).map { UInt16($0) << 8 | UInt16($1) }).count == 65_536)
    }
  }

  @Test func theCoefficientsThatAreDrawnAreEvenlySpread() throws {
    let secret = [UInt8](repeating: 0x42, count: 65_536)
    let shares = try split(secret, threshold: 2, count: 3)
    for share in shares {
      var counts = [Int](repeating: 0, count: 256)
      for byte in share { counts[Int(byte)] += 1 }
      let squares = counts.reduce(0) { $0 + ($1 - 256) * ($1 - 256) }
      // Chi-squared with 255 degrees of freedom: mean 255, deviation 23; beyond eight of them the
      // generator is broken.
      #expect(squares / 256 < 255 + 8 * 23)
    }
  }

  @Test func onlyOrdinarySplitsAreMade() {
    let secret = [UInt8](repeating: 1, count: 32)
    for (threshold, count) in [(1, 3), (4, 3), (0, 2), (-1, 5), (2, 16), (2, 1), (2, 0), (2, -1)] {
      #expect(throws: CryptographyError.malformedInput) {
        try split(secret, threshold: threshold, count: count)
      }
    }
    #expect(throws: CryptographyError.malformedInput) { try split([], threshold: 2, count: 2) }
  }

  @Test func onlySharesThatBelongTogetherAreCombined() {
    let share = [UInt8](repeating: 1, count: 32)
    let wrong: [[(UInt8, [UInt8])]] = [
      [], [(1, share)], [(1, share), (1, share)], [(0, share), (1, share)],
      [(1, share), (16, share)], [(1, share), (2, [1])], [(1, []), (2, [])],
      (1...16).map { ($0, share) },
    ]
    for shares in wrong {
      #expect(throws: CryptographyError.malformedInput) { try combine(shares) }
    }
  }

  @Test func theFieldIsTheOneOfAES() {
    #expect(GF256.product(0x57, 0x83) == 0xC1)
    #expect(GF256.product(0x57, 0x13) == 0xFE)
    for element: UInt8 in 1...255 {
      #expect(GF256.product(element, GF256.inverse(element)) == 1)
    }
    #expect(GF256.inverse(0) == 0)
  }

  private func copy(
    of shares: borrowing SecretShares, at coordinate: Int
  ) throws -> [UInt8] {
    let share = try shares.share(at: coordinate)
    return share.bytes.array
  }

  private func split(
    _ secret: [UInt8], threshold: Int, count: Int
  ) throws -> [[UInt8]] {
    let shares = try SecretSharing.split(secret.rawSpan, threshold: threshold, count: count)
    var copies: [[UInt8]] = []
    for coordinate in 1...count { copies.append(try copy(of: shares, at: coordinate)) }
    return copies
  }

  private func combine(_ shares: [(UInt8, [UInt8])]) throws -> [UInt8] {
    let bytes = shares.flatMap(\.1)
    let coordinates = shares.map(\.0)
    let secret = try SecretSharing.combine(bytes.rawSpan, coordinates: coordinates)
    return secret.bytes.array
  }

  private static func subsets(of count: Int, size: Int) -> [[Int]] {
    (0..<1 << count).filter { $0.nonzeroBitCount == size }.map { bits in
      (1...count).filter { bits >> ($0 - 1) & 1 == 1 }
    }
  }
}
