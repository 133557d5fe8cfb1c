/// What becomes of an order; its amount in the smallest unit decides, so that each test can ask for what it
/// needs.
enum PayPalDecision: Equatable, Sendable {
  /// 210001, and every other amount: approved and captured.
  case captured
  /// 210002: the first capture is declined (`INSTRUMENT_DECLINED`); once the payer has chosen again, it works.
  case declinedOnce
  /// 210003: captured, but `PENDING`; `POST /settle` decides later.
  case pending
  /// 210004: the capture answers 500 and has happened.
  case failsAfterCapture
  /// 210005: the access token is refused, and the next one too, so that no order is made.
  case refusesToken
  /// 210006: the capture is never answered, and has not happened.
  case neverAnswers
  /// 210007: creating answers 500, and makes no order.
  case failsAtCreation
  /// 210008: the capture answers that it is `DECLINED`.
  case declined
  /// 210009: the first capture answers 500 and has not happened; the second works.
  case failsBeforeCapture

  init(minorUnits: Int64) {
    self =
      switch minorUnits {
      case 210_002: .declinedOnce
      case 210_003: .pending
      case 210_004: .failsAfterCapture
      case 210_005: .refusesToken
      case 210_006: .neverAnswers
      case 210_007: .failsAtCreation
      case 210_008: .declined
      case 210_009: .failsBeforeCapture
      default: .captured
      }
  }
}
