import Cryptography

/// What an encrypted credential of systemd is encrypted with.
///
/// The file is base 64 in lines; its first 16 bytes are the identifier of the kind of key.
/// - Source: systemd.io/CREDENTIALS; `src/shared/creds-util.h` of systemd 257.
enum CredentialBinding: Equatable {
  /// The host's TPM, and the key on its disk as well.
  case hostAndTPM
  /// The host's TPM alone.
  case tpm
  /// The key on the host's disk, `/var/lib/systemd/credential.secret`.
  case host
  /// Nothing: anybody can open it.
  case nothing

  private static let kinds: [String: CredentialBinding] = [
    "93a8940948744490 90caf2fc93cab553": .hostAndTPM,
    "ef4ac13679a9480e a7db68897f9f165d": .hostAndTPM,
    "af4950a849134eb1 a73846304ff30c05": .hostAndTPM,
    "adbc4ca3efb64201 ba881b6f2e4095ea": .hostAndTPM,
    "0c7cc07b11764591 9c4b0bea08bc20fe": .tpm,
    "faf7eb9341e3412c a1a436f95a29362f": .tpm,
    "5a1c6a86df9d4096 b1d5a65e0862f19a": .host,
    "55b9ed1d38594d43 a8319d2ebb332ac6": .host,
    "058469daf6f54324 800549da0f8ea2fb": .nothing,
  ].reduce(into: [:]) { $0[$1.key.filter { $0 != " " }] = $1.value }

  /// Reads the beginning of a credential's file; nil for none that is known.
  init?(of file: [UInt8]) {
    // 24 digits are 18 bytes.
    let digits = Array(file.prefix(64).filter { $0 > UInt8(ascii: " ") }.prefix(24))
    guard let head = Base64.decode(digits), head.count == 18,
      let kind = Self.kinds[Array(head.prefix(16)).hexadecimal]
    else { return nil }
    self = kind
  }
}
