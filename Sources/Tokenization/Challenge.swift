import Bytes
import Cards

/// What a page needs to show the issuer's challenge: it posts `creq` to `acs_url`. The shop asks by
/// `three_ds_server_transaction_id` what came of it.
package struct Challenge: Sendable, Equatable {
  /// One of its values, by its name in answers and templates.
  package enum Member: String, Sendable, CaseIterable {
    /// Where the access control server listens: `https://…`, 2,048 characters at most.
    case acsURL = "acs_url"
    /// The challenge request, base 64, 2,048 characters at most.
    case creq
    /// The 3-D Secure server's transaction, a UUID.
    case threeDSServerTransactionIdentifier = "three_ds_server_transaction_id"

    /// The characters of the longest value.
    package static let longest = 2_048

    /// Whether `bytes` have the member's form.
    ///
    /// - Source: EMV 3-D Secure protocol specification 2.3.1, table A.1.
    package func accepts(_ bytes: RawSpan) -> Bool {
      guard (1...Self.longest).contains(bytes.byteCount) else { return false }
      return switch self {
      case .acsURL:
        bytes.text.hasPrefix("https://") && bytes.byteCount > 8
          && bytes.allSatisfy { (0x21...0x7E).contains($0) && !#""<>\^`{|}"#.utf8.contains($0) }
      case .creq: bytes.isBase64
      case .threeDSServerTransactionIdentifier: bytes.isUUID
      }
    }
  }

  private let values: [Member: String]

  /// - Returns: nil unless every value is there.
  package init?(_ values: [Member: String]) {
    guard values.count == Member.allCases.count else { return nil }
    self.values = values
  }

  /// A value in its form.
  package subscript(member: Member) -> String { values[member] ?? "" }
}
