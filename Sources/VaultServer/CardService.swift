package import AccessPolicy
package import Cards
package import Tokenization
package import VaultCore

/// The use cases behind the socket: what `Tokenizer` does, and a fake in tests.
///
/// Each reply is called exactly once, on any thread.
package protocol CardService: Sendable {
  /// Whether every operation would answer `sealed`.
  var isSealed: Bool { get }

  /// See `Tokenizer.update(terms:)`.
  func update(terms: Terms)

  /// See `Tokenizer.tokenize(_:caller:reply:)`.
  func tokenize(
    _ request: consuming TokenizeRequest, caller: Caller,
    reply: @escaping @Sendable (Answer) -> Void)

  /// See `Tokenizer.renew(_:caller:reply:)`.
  func renew(
    _ request: RenewalRequest, caller: Caller, reply: @escaping @Sendable (Answer) -> Void)

  /// See `Tokenizer.push(_:caller:reply:)`.
  func push(_ request: PushRequest, caller: Caller, reply: @escaping @Sendable (Answer) -> Void)

  /// See `Tokenizer.pull(_:caller:reply:)`.
  func pull(
    _ token: Token?, caller: Caller,
    reply: @escaping @Sendable (Result<ReleasedCard, Problem>) -> Void)

  /// See `Tokenizer.delete(_:caller:reply:)`.
  func delete(_ token: Token?, caller: Caller, reply: @escaping @Sendable (Answer) -> Void)

  /// See `Tokenizer.refuse(_:operation:token:caller:reply:)`.
  func refuse(
    _ problem: Problem, operation: Operation?, token: Token?, caller: Caller,
    reply: @escaping @Sendable (Answer) -> Void)

  /// See `Tokenizer.note(_:)`.
  func note(_ stranger: Stranger)
}

extension Tokenizer: CardService {}
