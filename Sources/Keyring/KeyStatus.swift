package import RecordFormat

/// What may be told of a key: everything but the key.
package struct KeyStatus: Equatable, Sendable {
  package let identifier: KeyIdentifier
  package let role: KeyRole
  package let state: KeyState
  /// Ten upper-case hexadecimal digits; nil where the vault no longer has the key.
  package let checkValue: String?
  package let createdMilliseconds: UInt64
  /// When the key should have been replaced.
  package let cryptoperiodEndMilliseconds: UInt64
  /// Cards that stand under the key; nil for roles that seal no card.
  package let cards: UInt64?
}

/// How long keys of each role should be used before they are rotated.
package struct Cryptoperiods: Equatable, Sendable {
  private static let yearSeconds: UInt64 = 365 * 86_400

  /// Seconds, by role.
  package var seconds: [KeyRole: UInt64]

  /// One year for the KEK and data keys, two for fingerprint and audit keys (SP 800-57 part 1,
  /// 5.3.6, as upper bounds that auditors know).
  package static let standard = Cryptoperiods(seconds: [
    .kek: yearSeconds, .data: yearSeconds, .fingerprint: 2 * yearSeconds, .audit: 2 * yearSeconds,
  ])

  package init(seconds: [KeyRole: UInt64]) {
    self.seconds = seconds
  }

  subscript(role: KeyRole) -> UInt64 { seconds[role] ?? Self.yearSeconds }
}
