import ConfigurationReading
import Glibc
import RecordFormat
import SystemCalls

/// Looks at how the KEK is encrypted that systemd decrypts for the service.
///
/// Which file the unit names is not known here: what is looked for is `KEYID.kek.cred` or `KEYID.kek` in
/// the directory of the configuration, and where systemd itself looks for encrypted credentials.
struct CredentialCheck {
  private static let places = [
    "/etc/credstore.encrypted", "/run/credstore.encrypted", "/usr/lib/credstore.encrypted",
  ]
  /// The largest credential that is read, in bytes.
  private static let mostBytes = 1 << 20
  private static let remedy =
    "encrypt it anew on a host with a TPM: systemd-creds encrypt --with-key=host+tpm2 "
    + "--name=ID.kek; or let custodians hold the key"

  let configuration: ServiceConfiguration
  var directories: [String]

  init(_ configuration: ServiceConfiguration) {
    self.configuration = configuration
    directories = [Directory.containing(configuration.file)] + Self.places
  }

  func run() -> [Finding] {
    guard case .credentials = configuration.keys else { return [] }
    let files = directories.flatMap(credentials)
    guard !files.isEmpty else {
      return [
        .unseen(
          .keys,
          "how the credential is encrypted was not seen: there is no ID.kek.cred in "
            + directories.joined(separator: ", "),
          remedy:
            "keep the file that the unit names there, so that it is looked at whether the key is bound "
            + "to this host's TPM")
      ]
    }
    return files.map(finding)
  }

  private func credentials(in directory: String) -> [String] {
    let names = (try? Directory.names(in: directory)) ?? []
    return names.filter { name in
      let isCredential = [".kek.cred", ".kek"].contains { name.dropFirst(8) == $0 }
      return isCredential && KeyIdentifier(String(name.prefix(8))) != nil
    }.map { "\(directory)/\($0)" }
  }

  private func finding(_ path: String) -> Finding {
    let bytes: [UInt8]
    do throws(ConfigurationFileProblem) {
      bytes = try ConfigurationFiles.read(path, maximumBytes: Self.mostBytes)
    } catch {
      return .unseen(
        .keys, "how the credential is encrypted was not seen: \(path) \(error.text)",
        remedy:
          "let the user of the service read it, which takes no more than that: it is encrypted")
    }
    switch CredentialBinding(of: bytes) {
    case .hostAndTPM?:
      return Finding(.ok, .keys, "the credential \(path) is bound to the TPM of its host")
    case .tpm?:
      return Finding(
        .ok, .keys,
        "the credential \(path) is bound to the TPM of its host, and to no key on its disk")
    case .host?:
      return Finding(
        .warning, .keys,
        "the credential \(path) is encrypted with a key on this host's own disk, and bound to no TPM: whoever "
          + "has the disk has the key-encryption key, which is then not stored apart (PCI DSS 3.6.1.2)",
        remedy: Self.remedy)
    case .nothing?:
      return Finding(
        .error, .keys,
        "the credential \(path) is encrypted with no key at all: whoever has the file has the "
          + "key-encryption key", remedy: Self.remedy)
    case nil:
      return Finding(
        .warning, .keys,
        "\(path) is no encrypted credential of systemd that this version knows; a clear key is not stored "
          + "in one of the forms that PCI DSS 3.6.1.2 allows", remedy: Self.remedy)
    }
  }
}
