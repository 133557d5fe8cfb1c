import Administration
import ArgumentParser
import AuditLog
import RecordFormat
import VaultManagement

struct KeysCertificateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "certificate",
    abstract: "Print or verify the certificate of a key that was replaced.",
    discussion: """
      A re-encryption leaves an interim certificate of each data key that it has emptied, the destruction \
      of a key, whatever its role, the final one: which key was replaced by which, the cards under both \
      before and after, when, who ran and approved it, and the audit entries that prove it. The \
      certificate is a signed note (C2SP) of the audit key, and is printed as it is.

      --verify needs no configuration and no service: FILE is a certificate, or what --sign of \
      keys inventory or keys status has written, --public-key a file with the verifier keys that you trust, one a line, as cadenas keys public-key prints them. \
      Where the audit key was rotated since you noted its public key, give what keys public-key \
      prints now as --succession. Exit status 0 where the certificate verifies, 1 where it does not.
      """)

  @OptionGroup var common: CommonOptions

  @Argument(help: ArgumentHelp("The key that was replaced.", valueName: "key"))
  var key: KeyIdentifier?

  @Flag(help: "The certificate of the destruction.")
  var final = false

  @Flag(help: "The certificate of the re-encryption.")
  var interim = false

  @Option(help: ArgumentHelp("Verify the certificate in a file.", valueName: "file"))
  var verify: String?

  @Option(
    name: .customLong("public-key"),
    help: ArgumentHelp("The verifier keys that you trust.", valueName: "file"))
  var publicKey: String?

  @Option(help: ArgumentHelp("How the audit keys succeed each other.", valueName: "file"))
  var succession: String?

  func validate() throws {
    guard (key == nil) != (verify == nil) else {
      throw ValidationError("name a key, or a file with --verify")
    }
    guard (verify == nil) == (publicKey == nil), verify != nil || succession == nil else {
      throw ValidationError("--verify and --public-key go together, and --succession with them")
    }
    guard !(final && interim) else { throw ValidationError("--final or --interim, not both") }
  }

  func run() throws {
    if let verify, let publicKey {
      return try CertificateVerification(
        certificatePath: verify, publicKeyPath: publicKey, successionPath: succession
      ).run()
    }
    guard let key else { return }
    let kind: RotationCertificate.Kind? = final ? .final : interim ? .interim : nil
    try common.show(ShowKeyCertificate(key, kind), offline: true) {
      $0["note"]?.text ?? ""
    }
  }
}

/// Verifies a certificate with files alone.
struct CertificateVerification {
  let certificatePath: String
  let publicKeyPath: String
  let successionPath: String?

  /// Says what the certificate says, or why it is not to be believed.
  func run() throws {
    let keys = try TrustedKeys.read(publicKeyPath, succession: successionPath)
    let bytes = try EvidenceFile.read(certificatePath)
    do throws(AuditError) {
      let note = try SignedNote(parsing: bytes)
      let summary = try Self.summary(of: note, by: keys)
      let signers = try note.verified(by: keys)
      Console.write(Console.styled("verified", .green) + "\n")
      for signer in signers { Console.write("signed by \(Console.printable(signer.text))\n") }
      Console.write("\n" + summary)
    } catch {
      throw CommandFailure(
        .refused, "\(certificatePath): \(AdministrationError.audit(error).detail)")
    }
  }

  /// What a note says that one of `keys` has signed, for people.
  private static func summary(
    of note: SignedNote, by keys: [VerifierKey]
  ) throws(AuditError) -> String {
    var text = note.text
    if text.hasPrefix(SignedDocument.title + "\n") {
      _ = try SignedDocument(verifying: note, by: keys)
    } else {
      text = try RotationCertificate(verifying: note, by: keys).text
    }
    return TextTable.pairs(
      text.split(separator: "\n").dropFirst().map { line in
        let parts = line.split(separator: " ", maxSplits: 1)
        return (String(parts[0]), parts.count > 1 ? Console.printable(String(parts[1])) : "")
      })
  }
}
