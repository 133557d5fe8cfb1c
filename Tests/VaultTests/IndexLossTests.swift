import Cards
import Glibc
import Testing
import Tokenization
import VaultCore

/// The fingerprint index goes bad under an open vault.
@Suite(.timeLimit(.minutes(30))) struct IndexLossTests {
  private let house: TestVault

  init() throws { house = try TestVault() }

  /// Writes zeros over all pages of the index but its two headers.
  private func damageIndex() throws {
    let descriptor = unsafe open(house.directory.store + "/index.mdb", O_RDWR)
    defer { close(descriptor) }
    let zeros = [UInt8](repeating: 0, count: 4_096)
    let end = lseek(descriptor, 0, SEEK_END)
    for offset in stride(from: 2 * 4_096, to: Int(end), by: 4_096) {
      let count = unsafe zeros.withUnsafeBytes {
        unsafe pwrite(descriptor, $0.baseAddress, 4_096, offset)
      }
      try #require(count == 4_096)
    }
  }

  @Test func `looking a number up is refused until the index is there again, and the rest goes on`()
    async throws
  {
    let known = try await house.token(of: Number.visaCB)
    let other = try await house.token(of: Number.visa)
    try house.reopen()
    try damageIndex()
    let refused = try await house.tokenize(Number.visaCB).value
    #expect(refused.status == 503)
    #expect(refused.problem == "unavailable")
    #expect(refused.retryAfterSeconds != nil)
    #expect(try await house.tokenize(Number.other, as: "plain-shop").value.status == 201)
    #expect(text(of: try await house.pull(known).value) == Number.visaCB)
    #expect(try await house.push(known).value.status == 200)
    #expect(try await house.delete(other).value.status == 204)
    var again = try await house.tokenize(Number.visaCB).value
    while again.status == 503 { again = try await house.tokenize(Number.visaCB).value }
    #expect(again.status == 200)
    #expect(try again.token == known)
    #expect(try await house.tokenize(Number.visa).value.status == 201)
    #expect(try house.auditFinding() == nil)
  }
}
