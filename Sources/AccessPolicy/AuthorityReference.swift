/// Which certificate authority vouches for a client, and which revocation list speaks for it.
///
/// Two references are the same authority when they name the same files. Whoever loads the files
/// keys what was loaded by this value, so that a file that serves several merchants is read once.
package struct AuthorityReference: Hashable, Sendable {
  /// The absolute path of the authority's certificate, PEM.
  package let certificatePath: String
  /// The absolute path of the authority's revocation list, PEM; nil where it publishes none.
  package let revocationListPath: String?

  /// Names the files of one authority.
  package init(certificatePath: String, revocationListPath: String? = nil) {
    self.certificatePath = certificatePath
    self.revocationListPath = revocationListPath
  }
}
