import Bytes
import Keyring
import RecordFormat
import SecretMemory
import Testing

@testable import Administration

/// What a ceremony sends to a running service.
@Suite struct CustodyBodyTests {
  private let set: CustodianSet

  init() throws {
    let names = (1...3).compactMap { CustodyName("custodian-\($0)") }
    let vault = try #require(CustodyName("demo-vault"))
    let made = CustodianSet(
      keyIdentifier: KeyIdentifier(7), checkValue: [1, 2, 3, 4, 5], createdMilliseconds: 8,
      threshold: 2, vault: vault,
      custodians: names.map {
        CustodianSet.Custodian(
          name: $0,
          commitment: CustodianSet.commitment(
            to: [UInt8](repeating: 9, count: 32).rawSpan, of: KeyIdentifier(7), coordinate: 1))
      })
    set = try #require(made)
  }

  @Test(arguments: [nil, 90 * 86_400])
  func `key, custodians and the cryptoperiod of the plan arrive as they were sent`(
    seconds: UInt64?
  ) throws {
    let key = [UInt8](0..<32)
    let body = try CustodyBody.make(key: key.rawSpan, set: set, cryptoperiodSeconds: seconds)
    let answer = try CustodyBody.read(body)
    let read = try #require(answer)
    #expect(read.set == set)
    #expect(read.cryptoperiodSeconds == seconds)
    #expect(read.key.identifier == KeyIdentifier(7))
    let secret = try SecretBytes(copying: key.rawSpan)
    let isSame = read.key.isEqual(to: secret)
    #expect(isSame)
  }

  @Test func `a body that is cut off is none`() throws {
    let key = [UInt8](0..<32)
    let body = try CustodyBody.make(key: key.rawSpan, set: set, cryptoperiodSeconds: nil)
    let cut = try body.withBytes { bytes in
      AdminBody(try SecretBytes(copying: bytes.extracting(..<40)))
    }
    #expect(try CustodyBody.read(cut) == nil)
  }
}
