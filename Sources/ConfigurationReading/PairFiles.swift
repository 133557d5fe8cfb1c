internal import Cryptography
internal import SecretMemory

/// The files of a certificate chain and of its private key.
package enum PairFiles {
  /// The largest file that is read, in bytes.
  package static let mostBytes = 1 << 20

  /// What keeps TLS from using them, and the file at fault; nil where nothing does.
  package static func problem(
    certificatePath: String, privateKeyPath: String
  ) -> (file: String, message: String, suggestion: String?)? {
    var file = certificatePath
    do {
      let chain = try ConfigurationFiles.read(certificatePath, maximumBytes: mostBytes)
      file = privateKeyPath
      var key = try ConfigurationFiles.read(privateKeyPath, maximumBytes: mostBytes)
      defer { unsafe key.withUnsafeMutableBytes { unsafe wipe($0) } }
      try CertificatePair.check(chain: chain, key: key)
      return nil
    } catch let problem as CertificatePairProblem {
      file = problem.isOfKey ? privateKeyPath : certificatePath
      var message = problem.text
      if problem == .anotherKey { message += " \(certificatePath)" }
      return (file, message, problem.remedy?.replacing("FILE", with: file))
    } catch let problem as ConfigurationFileProblem {
      return (file, problem.text, nil)
    } catch {
      return (file, "cannot be used", nil)
    }
  }
}
