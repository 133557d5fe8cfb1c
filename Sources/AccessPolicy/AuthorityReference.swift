/// Which certificate authorities vouch for a principal's clients, and which revocation lists are
/// named beside them.
///
/// Several authorities stand side by side while clients move from one to another. A list that one
/// principal names counts for every client of its issuer; where it is named says only who brings it.
package struct AuthorityReference: Hashable, Sendable {
  /// The absolute paths of the files with the authorities' certificates; at least one.
  package let certificatePaths: [String]
  /// The absolute paths of the files with revocation lists; empty where none is published.
  package let revocationListPaths: [String]

  /// Names the files.
  package init(certificatePaths: [String], revocationListPaths: [String] = []) {
    precondition(!certificatePaths.isEmpty, "somebody vouches for a client")
    self.certificatePaths = certificatePaths
    self.revocationListPaths = revocationListPaths
  }

  /// Whether a file of authorities is named by both.
  package func overlaps(_ other: AuthorityReference) -> Bool {
    !Set(certificatePaths).isDisjoint(with: other.certificatePaths)
  }
}
