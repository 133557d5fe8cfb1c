package import AccessPolicy
package import Cards
package import Vault

/// The use cases behind the socket: what ``Vault`` does, and a fake in tests.
///
/// Each reply is called exactly once, on any thread.
package protocol CardService: Sendable {
  /// Whether every operation would answer `sealed`.
  var isSealed: Bool { get }

  /// See `Vault.tokenize(_:caller:reply:)`.
  func tokenize(
    _ request: consuming TokenizeRequest, caller: Caller,
    reply: @escaping @Sendable (Answer) -> Void)

  /// See `Vault.push(_:caller:reply:)`.
  func push(_ request: PushRequest, caller: Caller, reply: @escaping @Sendable (Answer) -> Void)

  /// See `Vault.pull(_:caller:reply:)`.
  func pull(_ token: Token?, caller: Caller, reply: @escaping @Sendable (PullReply) -> Void)

  /// See `Vault.delete(_:caller:reply:)`.
  func delete(_ token: Token?, caller: Caller, reply: @escaping @Sendable (Answer) -> Void)

  /// See `Vault.refuse(_:operation:token:caller:reply:)`.
  func refuse(
    _ problem: Problem, operation: Operation?, token: Token?, caller: Caller,
    reply: @escaping @Sendable (Answer) -> Void)
}

extension Vault: CardService {}
