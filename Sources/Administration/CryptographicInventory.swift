package import Cryptography

/// The cryptography that a program uses, beside its keys, as its running parts tell it.
package struct CryptographicInventory: Sendable {
  /// TLS in one place of the program.
  package struct TLSUse: Equatable, Sendable {
    /// Which connections it protects.
    package var use: String
    /// The address that is listened on or connected to.
    package var address: String
    /// The lowest and the highest version that a handshake may come to: `TLSv1.2`, `TLSv1.3`.
    package var minimum: String
    package var maximum: String
    /// The suites that a handshake may come to, by their IANA names.
    package var cipherSuites: [String]
    /// How each side proves who it is.
    package var authentication: String

    /// Describes one use.
    package init(
      use: String, address: String, minimum: String, maximum: String, cipherSuites: [String],
      authentication: String
    ) {
      self.use = use
      self.address = address
      self.minimum = minimum
      self.maximum = maximum
      self.cipherSuites = cipherSuites
      self.authentication = authentication
    }
  }

  /// A library.
  package struct Library: Equatable, Sendable {
    package var name: String
    /// As the library itself says it; nil where it has none.
    package var version: String?
    /// What it does for the program.
    package var purpose: String

    /// Describes a library.
    package init(name: String, version: String?, purpose: String) {
      self.name = name
      self.version = version
      self.purpose = purpose
    }
  }

  /// A certificate in use.
  package struct Certificate: Equatable, Sendable {
    /// What it is used for, and by whom.
    package var use: String
    package var description: CertificateDescription

    /// Describes a certificate.
    package init(use: String, description: CertificateDescription) {
      self.use = use
      self.description = description
    }
  }

  /// A revocation list in use.
  package struct RevocationList: Equatable, Sendable {
    /// The file that it was read from.
    package var path: String
    /// The subject of the authority that issued it.
    package var authority: String
    /// When the next one is due, in seconds since 1970.
    package var nextUpdate: Int64

    /// Describes a list.
    package init(path: String, authority: String, nextUpdate: Int64) {
      self.path = path
      self.authority = authority
      self.nextUpdate = nextUpdate
    }
  }

  /// The version of the program.
  package var version: String
  package var libraries: [Library]
  package var algorithms: [AlgorithmDescription]
  package var tls: [TLSUse]
  package var certificates: [Certificate]
  package var revocationLists: [RevocationList]

  /// Puts an inventory together.
  package init(
    version: String, libraries: [Library], algorithms: [AlgorithmDescription], tls: [TLSUse],
    certificates: [Certificate], revocationLists: [RevocationList]
  ) {
    self.version = version
    self.libraries = libraries
    self.algorithms = algorithms
    self.tls = tls
    self.certificates = certificates
    self.revocationLists = revocationLists
  }
}
