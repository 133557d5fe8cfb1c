/// What an approved message has the simulator give away, as its `order_reference` says: an acquirer
/// that is careless, for trying what a vault lets through.
///
/// | order_reference | in the answer |
/// |---|---|
/// | `echo-part` | half of the amount is approved, and `transaction_id` is the card's number |
/// | `echo-amount` | `approved_amount` is the first twelve digits of the card's number |
/// | `echo-backwards` | `transaction_id` is the card's number from its end |
/// | `echo-piece` | `transaction_id` is the first twelve digits of the card's number |
/// | `echo-code` | `transaction_id` is the security code, where one came |
enum SimulatorEcho: String, CaseIterable {
  case part = "echo-part"
  case amount = "echo-amount"
  case backwards = "echo-backwards"
  case piece = "echo-piece"
  case code = "echo-code"

  /// How many digits a piece of the card's number has.
  static let pieceDigits = 12
}
