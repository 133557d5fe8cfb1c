import Bytes
import Cryptography
import RecordFormat
import SecretMemory
import Testing

@testable import Keyring

/// The least that a share may cost, for tests.
let lowCost = Argon2id.Parameters(passes: 2, memoryKibibytes: 64 << 10)

func name(_ text: String) throws -> CustodyName { try #require(CustodyName(text)) }

/// A custodian's passphrase.
func passphrase(_ custodian: Int) throws -> SecretBytes {
  try SecretBytes(copying: Array("passphrase of custodian-\(custodian)".utf8).rawSpan)
}

/// Holds a ceremony for custodian-1 and so on, whose passphrases are ``passphrase(_:)``.
func holdCeremony(threshold: Int, of count: Int) throws -> CustodyCeremony.Result {
  let plan = try CustodyPlan(
    vault: name("demo-vault"), threshold: threshold,
    custodians: (1...count).map { try name("custodian-\($0)") })
  var ceremony = try CustodyCeremony(
    plan, besides: [], atMilliseconds: 1_795_459_405_123, cost: lowCost)
  for index in 0..<count {
    let secret = try passphrase(index + 1)
    try ceremony.seal(custodian: index, passphrase: secret)
  }
  return try ceremony.finish()
}

/// Reads the text of a share.
func parse(_ text: String) throws(KeyringError) -> CustodianShare {
  let bytes = Array(text.utf8)
  return try CustodianShare(parsing: bytes.rawSpan)
}

/// What is wrong with a text; nil where nothing is.
func problem(of text: String) -> ShareTextProblem? {
  do throws(KeyringError) {
    _ = try parse(text)
    return nil
  } catch {
    guard case .custody(.shareText(let problem)) = error else {
      Issue.record("another error: \(error)")
      return nil
    }
    return problem
  }
}
