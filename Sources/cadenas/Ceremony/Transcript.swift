import Cryptography
import JSON
import Keyring
import RecordFormat
import Storage

/// What a ceremony has made, in words that those present sign. It holds no secret.
struct Transcript {
  /// What the custodians hold.
  let set: CustodianSet
  /// What their shares cost whoever tries a passphrase.
  let cost: Argon2id.Parameters
  let store: StoreIdentifier
  /// The keys of a new store, the KEK among them; none where the store was there before.
  let keys: [KeyStatus]

  /// Names and values of the first part.
  var facts: [(name: String, value: String)] {
    [
      ("vault", set.vault.text), ("store", store.bytes.hexadecimal),
      ("key", set.keyIdentifier.text), ("check value", KeyCheckValue.text(set.checkValue)),
      ("threshold", "any \(set.threshold) of \(set.custodians.count) shares rebuild the key"),
      (
        // Before the first passphrase; the entries of the log follow when the last share is made.
        "begun",
        RFC3339.string(
          unixMilliseconds: Int64(clamping: set.createdMilliseconds), precision: .milliseconds)
      ),
      ("program", "cadenas \(Version.full)"),
      (
        "shares",
        "Shamir over GF(2^8); each under XAES-256-GCM and Argon2id (\(cost.passes) passes, "
          + "\(cost.memoryKibibytes) KiB, 1 lane)"
      ),
    ]
  }

  /// The custodians, each with the check value of their share.
  var custodians: TextTable {
    var table = TextTable([("CUSTODIAN", .left), ("SHARE", .left), ("CHECK VALUE", .left)])
    for (index, custodian) in set.custodians.enumerated() {
      table.add([
        custodian.name.text, "\(index + 1) of \(set.custodians.count)",
        Self.checkValue(of: custodian),
      ])
    }
    return table
  }

  /// Ten hexadecimal digits by which a custodian knows their share.
  static func checkValue(of custodian: CustodianSet.Custodian) -> String {
    KeyCheckValue.text(CustodianSet.checkValue(of: custodian.commitment))
  }

  /// The whole page.
  var text: String {
    var keyTable = TextTable([("KEY", .left), ("ROLE", .left), ("CHECK VALUE", .left)])
    for key in keys { keyTable.add([key.identifier.text, key.role.name, key.checkValue ?? "-"]) }
    let roles = set.custodians.map(\.name.text) + ["ceremony leader", "witness"]
    let width = (roles.map(\.utf8.count).max() ?? 0) + 2
    let lines = roles.map { role in
      role + String(repeating: " ", count: width - role.utf8.count)
        + "name ____________________  signature ____________________  date __________\n"
    }
    return "Key ceremony of a Cadenas vault\n\n" + TextTable.pairs(facts, within: nil) + "\n"
      + custodians.plainText + "\n" + (keys.isEmpty ? "" : keyTable.plainText + "\n")
        + """
        The key was made by the program and seen by nobody. Each share was encrypted under its
        custodian's passphrase, opened again, and proved to rebuild the key together with others. This
        page holds no secret. Each custodian compares the check values with what is printed by:
        cadenas keys ceremony verify NAME.share

        With their signature, custodians acknowledge that they understand and accept their
        responsibilities: to keep share and passphrase apart and to themselves, to come when they
        are called, and to report at once what is lost or may be known to somebody else.

        Those present:


        """ + lines.joined(separator: "\n")
  }
}
