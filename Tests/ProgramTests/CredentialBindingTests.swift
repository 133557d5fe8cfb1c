import Cryptography
import Testing

@testable import cadenas

/// What the beginning of an encrypted credential says of its key.
@Suite struct CredentialBindingTests {
  private func binding(_ identifier: String) throws -> CredentialBinding? {
    var bytes: [UInt8] = []
    var digits = Array(identifier)[...]
    while digits.count >= 2 {
      bytes.append(try #require(UInt8(String(digits.prefix(2)), radix: 16)))
      digits = digits.dropFirst(2)
    }
    let text = Base64.encode(bytes + [UInt8](repeating: 7, count: 200))
    // In lines, as systemd-creds writes them.
    let lines = stride(from: 0, to: text.count, by: 69).map {
      String(text.dropFirst($0).prefix(69))
    }
    return CredentialBinding(of: Array(lines.joined(separator: "\n").utf8))
  }

  @Test func everyKindIsKnown() throws {
    for (identifier, binding) in [
      ("5a1c6a86df9d4096b1d5a65e0862f19a", CredentialBinding.host),
      ("55b9ed1d38594d43a8319d2ebb332ac6", .host),
      ("0c7cc07b117645919c4b0bea08bc20fe", .tpm),
      ("faf7eb9341e3412ca1a436f95a29362f", .tpm),
      ("93a894094874449090caf2fc93cab553", .hostAndTPM),
      ("ef4ac13679a9480ea7db68897f9f165d", .hostAndTPM),
      ("af4950a849134eb1a73846304ff30c05", .hostAndTPM),
      ("adbc4ca3efb64201ba881b6f2e4095ea", .hostAndTPM),
      ("058469daf6f54324800549da0f8ea2fb", .nothing),
    ] {
      #expect(try self.binding(identifier) == binding, "\(identifier)")
    }
    #expect(try binding("00000000000000000000000000000000") == nil)
  }

  /// The first line of the sample in systemd's own documentation.
  /// - Source: systemd.io/CREDENTIALS, `SetCredentialEncrypted`.
  @Test func theSampleOfSystemdIsBoundToATPM() {
    let text = "k6iUCUh0RJCQyvL8k8q1UyAAAAABAAAADAAAABAAAAC1lFmbWAqWZ8dCCQkAAAAAgAAAA"
    #expect(CredentialBinding(of: Array(text.utf8)) == .hostAndTPM)
  }

  @Test func whatIsNoCredentialIsNone() {
    for text in ["", "clear", "k6iUCUh0RJCQyvL8k8q1U", String(repeating: "=", count: 40)] {
      #expect(CredentialBinding(of: Array(text.utf8)) == nil, "\(text)")
    }
    #expect(CredentialBinding(of: [UInt8](repeating: 0x41, count: 32)) == nil)
  }
}
