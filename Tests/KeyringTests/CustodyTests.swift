import Bytes
import Cryptography
import RecordFormat
import SecretMemory
import Storage
import TestSupport
import Testing

@testable import Keyring

@Suite struct CeremonyTests {
  @Test func `plans out of bounds are refused`() throws {
    func make(_ threshold: Int, _ names: [String]) throws {
      _ = try CustodyPlan(
        vault: name("v"), threshold: threshold, custodians: names.map { try name($0) })
    }
    try make(2, ["a", "b"])
    try make(15, (1...15).map { "c\($0)" })
    for (threshold, names) in [
      (1, ["a", "b"]), (3, ["a", "b"]), (2, ["a"]), (2, []), (0, ["a", "b"]), (-1, ["a", "b"]),
      (2, (1...16).map { "c\($0)" }), (2, ["a", "b", "a"]), (2, ["a", "b", "A"]),
    ] as [(Int, [String])] {
      #expect(throws: KeyringError.custody(.invalidPlan)) { try make(threshold, names) }
    }
  }

  @Test func `a ceremony's shares are those that its set expects`() throws {
    let result = try holdCeremony(threshold: 2, of: 3)
    #expect(result.set.keyIdentifier == result.key.identifier)
    #expect(try result.set.checkValue == result.key.checkValue())
    #expect(
      result.set.custodians.map(\.name.text) == ["custodian-1", "custodian-2", "custodian-3"])
    #expect(result.shares.map(\.header.coordinate) == [1, 2, 3])
    for (index, share) in result.shares.enumerated() {
      let secret = try passphrase(index + 1)
      let opened = try share.open(passphrase: secret)
      let commitment = CustodianSet.commitment(
        to: opened.bytes, of: result.key.identifier, coordinate: index + 1)
      #expect(result.set.custodians[index].commitment == commitment)
      let value = share.checkValue(ofOpened: opened)
      #expect(value == KeyCheckValue.text(CustodianSet.checkValue(of: commitment)))
      #expect(share.sealed.cost == lowCost)
    }
  }

  @Test func `every ceremony makes another key, other shares and other salts`() throws {
    let (first, second) = try (holdCeremony(threshold: 2, of: 2), holdCeremony(threshold: 2, of: 2))
    #expect(first.key.identifier != second.key.identifier)
    #expect(first.set.checkValue != second.set.checkValue)
    let sealed = (first.shares + second.shares).map { Array($0.sealed.bytes[12..<52]) }
    #expect(Set(sealed).count == 4)
  }

  @Test func `a ceremony without every passphrase does not end`() throws {
    let plan = try CustodyPlan(
      vault: name("v"), threshold: 2, custodians: [name("a"), name("b"), name("c")])
    var ceremony = try CustodyCeremony(plan, besides: [], atMilliseconds: 0, cost: lowCost)
    let secret = try passphrase(1)
    try ceremony.seal(custodian: 1, passphrase: secret)
    do {
      _ = try ceremony.finish()
      Issue.record("it ended")
    } catch {
      #expect(error == .custody(.sharesMissing(2)))
    }
  }

  @Test(arguments: [0, 1, 11, 1_025])
  func `passphrases that are too short or too long are refused`(count: Int) throws {
    let plan = try CustodyPlan(vault: name("v"), threshold: 2, custodians: [name("a"), name("b")])
    var ceremony = try CustodyCeremony(plan, besides: [], atMilliseconds: 0, cost: lowCost)
    let secret = try SecretBytes(copying: [UInt8](repeating: 0x61, count: count).rawSpan)
    do {
      try ceremony.seal(custodian: 0, passphrase: secret)
      Issue.record("it was taken")
    } catch {
      #expect(error == .custody(.passphraseLength(custodian: try name("a"))))
    }
  }
}

@Suite struct ShareCollectionTests {
  private static func key(
    from result: CustodyCeremony.Result, entering order: [Int]
  ) throws -> KeyEncryptionKey {
    var collection = ShareCollection(for: result.set)
    for index in order {
      let secret = try passphrase(index + 1)
      try collection.add(result.shares[index], passphrase: secret)
    }
    return try collection.keyEncryptionKey()
  }

  @Test func `any threshold of shares rebuilds the key, in any order`() throws {
    let result = try holdCeremony(threshold: 3, of: 4)
    let expected = try result.key.checkValue()
    for order in [[0, 1, 2], [3, 1, 0], [2, 3, 1], [2, 0, 3], [3, 2, 1, 0]] {
      let key = try Self.key(from: result, entering: order)
      #expect(key.identifier == result.key.identifier)
      #expect(try key.checkValue() == expected)
    }
  }

  @Test func `progress names who has entered, and how many are missing`() throws {
    let result = try holdCeremony(threshold: 2, of: 3)
    var collection = ShareCollection(for: result.set)
    let start = collection.progress
    #expect(start == .init(entered: [], missing: 2))
    let secret = try passphrase(3)
    let one = try collection.add(result.shares[2], passphrase: secret)
    #expect(one == .init(entered: [try name("custodian-3")], missing: 1))
    #expect(!one.isComplete)
    #expect(try error { _ = try collection.keyEncryptionKey() } == .custody(.sharesMissing(1)))
    collection.forget()
    let end = collection.progress
    #expect(end == start)
  }

  @Test func `a wrong passphrase is named, and changes nothing`() throws {
    let result = try holdCeremony(threshold: 2, of: 2)
    var collection = ShareCollection(for: result.set)
    let other = try passphrase(2)
    let found = try error { try collection.add(result.shares[0], passphrase: other) }
    #expect(found == .custody(.wrongPassphrase(custodian: try name("custodian-1"))))
    let missing = collection.progress.missing
    #expect(missing == 2)
  }

  @Test func `a custodian enters a share once`() throws {
    let result = try holdCeremony(threshold: 2, of: 2)
    var collection = ShareCollection(for: result.set)
    let secret = try passphrase(1)
    try collection.add(result.shares[0], passphrase: secret)
    let found = try error { try collection.add(result.shares[0], passphrase: secret) }
    #expect(found == .custody(.shareEnteredAlready(custodian: try name("custodian-1"))))
  }

  @Test func `a share of another key is refused by its name, before it is opened`() throws {
    let (result, other) = try (
      holdCeremony(threshold: 2, of: 2), holdCeremony(threshold: 2, of: 2)
    )
    let collection = ShareCollection(for: result.set)
    let found = try error { try collection.check(other.shares[1]) }
    #expect(
      found
        == .custody(
          .shareOfAnotherKey(other.key.identifier, custodian: try name("custodian-2"))))
  }

  @Test func `a share that says something else than the set is refused`() throws {
    let result = try holdCeremony(threshold: 2, of: 2)
    let set = result.set
    let others = [
      CustodianSet(
        keyIdentifier: set.keyIdentifier, checkValue: set.checkValue,
        createdMilliseconds: set.createdMilliseconds, threshold: 2, vault: try name("other"),
        custodians: set.custodians),
      CustodianSet(
        keyIdentifier: set.keyIdentifier, checkValue: [0, 0, 0, 0, 0],
        createdMilliseconds: set.createdMilliseconds, threshold: 2, vault: set.vault,
        custodians: set.custodians),
      CustodianSet(
        keyIdentifier: set.keyIdentifier, checkValue: set.checkValue, createdMilliseconds: 1,
        threshold: 2, vault: set.vault, custodians: set.custodians),
      CustodianSet(
        keyIdentifier: set.keyIdentifier, checkValue: set.checkValue,
        createdMilliseconds: set.createdMilliseconds, threshold: 2, vault: set.vault,
        custodians: set.custodians.reversed()),
    ]
    for other in others {
      let collection = ShareCollection(for: try #require(other))
      let found = try error { try collection.check(result.shares[0]) }
      #expect(found == .custody(.shareOfAnotherSet(custodian: try name("custodian-1"))))
    }
  }

  @Test func `a share that is not the one of the ceremony is refused by its name`() throws {
    let result = try holdCeremony(threshold: 2, of: 2)
    var collection = ShareCollection(for: result.set)
    let found = try error {
      try collection.add(result.shares[0], opened: SecretBytes(count: 32))
    }
    #expect(found == .custody(.shareDoesNotMatch(custodian: try name("custodian-1"))))
  }

  @Test func `a set whose check value is another one gives no key`() throws {
    let result = try holdCeremony(threshold: 2, of: 2)
    let set = try #require(
      CustodianSet(
        keyIdentifier: result.set.keyIdentifier, checkValue: [1, 2, 3, 4, 5],
        createdMilliseconds: result.set.createdMilliseconds, threshold: 2, vault: result.set.vault,
        custodians: result.set.custodians))
    var collection = ShareCollection(for: set)
    for index in 0..<2 {
      let secret = try passphrase(index + 1)
      let opened = try result.shares[index].open(passphrase: secret)
      let header = try #require(
        ShareHeader(
          vault: set.vault, keyIdentifier: set.keyIdentifier, checkValue: set.checkValue,
          custodian: set.custodians[index].name, coordinate: index + 1, threshold: 2, count: 2,
          createdMilliseconds: set.createdMilliseconds))
      let share = try CustodianShare(
        sealing: opened.bytes, header, passphrase: secret, cost: lowCost)
      try collection.add(share, passphrase: secret)
    }
    let found = try error { _ = try collection.keyEncryptionKey() }
    #expect(found == .custody(.rebuiltKeyDiffers(set.keyIdentifier)))
  }

  /// The error of a body that has to throw one.
  private func error(_ body: () throws -> Void) throws -> KeyringError {
    do { try body() } catch { return try #require(error as? KeyringError) }
    throw Missing(what: "an error")
  }
}

@Suite struct CustodiansInStoreTests {
  @Test func `a store's keyring opens with the key that its custodians rebuild`() throws {
    let directory = try TemporaryDirectory()
    let result = try holdCeremony(threshold: 2, of: 3)
    let identifier = try #require(StoreIdentifier([UInt8](1...16)))
    let keyring = try KeyringStore.create(
      under: result.key, origin: .ceremony, cryptoperiods: .standard, atMilliseconds: 1)
    try Store.create(
      at: directory.path + "/store", mapSize: 8 << 20, storeIdentifier: identifier
    ) { transaction in
      try KeyringStore.save(keyring, for: identifier, in: &transaction)
      try result.set.save(in: &transaction)
    }
    let store = try Store.open(at: directory.path + "/store", mapSize: 8 << 20)
    let set = try #require(try CustodianSet.read(in: store))
    #expect(set == result.set)
    var collection = ShareCollection(for: set)
    for index in [2, 0] {
      let secret = try passphrase(index + 1)
      try collection.add(result.shares[index], passphrase: secret)
    }
    let opened = try KeyringStore.open(in: store, with: collection.keyEncryptionKey())
    #expect(opened.entries.map(\.identifier) == keyring.entries.map(\.identifier))
    #expect(try opened.current(.kek).origin == .ceremony)
    #expect(try opened.current(.kek).checkValue == set.checkValue)
    try store.write { try CustodianSet.remove(in: &$0) }
    #expect(try CustodianSet.read(in: store) == nil)
  }

  @Test func `a row that is damaged is said to be`() throws {
    let directory = try TemporaryDirectory()
    let store = try directory.newStore()
    #expect(try CustodianSet.read(in: store) == nil)
    try store.write { transaction in
      try transaction.put(
        key: Array("custodians".utf8).rawSpan, value: [UInt8](repeating: 1, count: 60).rawSpan,
        in: .keyring)
    }
    #expect(throws: KeyringError.custody(.malformedSet)) { try CustodianSet.read(in: store) }
  }
}
