import AuditLog
import JSON
import Keyring
import RecordFormat
package import VaultCore

extension VaultManager {
  /// Active keys whose cryptoperiod has ended, or ends soon; nil while the keyring is closed.
  package var keyConcerns: [Concern]? {
    guard let keyring = try? keyring else { return nil }
    let now = vault.now
    return keyring.entries.compactMap { entry in
      guard entry.state == .active, !entry.isBeingReplaced else { return nil }
      let end = entry.cryptoperiodEndMilliseconds
      let isOver = end <= now
      guard isOver || end - now <= rules.warningSeconds * 1_000 else { return nil }
      let time = RFC3339.string(unixMilliseconds: Int64(clamping: end), precision: .seconds)
      return Concern(
        .keysPeriod, isOver ? .ended : .endsSoon, of: entry.identifier.text,
        key: entry.identifier.text, reason: "role=\(entry.role.name) end=\(time)")
    }
  }
}
