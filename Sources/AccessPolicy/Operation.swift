/// What a client can ask of the vault over the network.
///
/// The raw value is the word used in the configuration, in audit entries and in logs.
package enum Operation: String, Sendable, CaseIterable {
  /// Hand a card in and receive its token.
  case tokenize
  /// Use a card at an acquirer (a merchant's push), or read it (an acquirer's pull).
  case detokenize
  /// Remove a card.
  case delete
}
