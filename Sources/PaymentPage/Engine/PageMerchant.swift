import ConfigurationReading
import Payments

/// A merchant as its payments need it: what is configured, its way to the vault, its signature.
struct PageMerchant: Sendable {
  let settings: PageConfiguration.Merchant
  let vault: VaultClient
  /// Nil where the shop is not told, and returns are not signed.
  let signature: Signature?
  let notifier: NotificationClient?
  let languages: [Language]

  var name: String { settings.name }

  /// Ends its connections.
  func shutdown() async {
    await vault.shutdown()
    await notifier?.shutdown()
  }
}
