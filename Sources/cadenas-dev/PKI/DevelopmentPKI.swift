import Glibc

/// The certificates of a throwaway installation, made by openssl(1) from `development-pki.cnf`.
///
/// The recipe is a file of `keys/` that this program carries in itself; the names below are its
/// sections, and the only thing that is added here is which authority signs which leaf.
enum DevelopmentPKI {
  /// An authority, and the leaves that it signs.
  struct Authority {
    /// Its section, and the name of its files.
    let name: String
    /// The sections of its leaves.
    let leaves: [String]
    /// The leaves that its revocation list names; nil for an authority without a list.
    let revoked: [String]?
  }

  /// Who signs whom.
  static let authorities = [
    Authority(
      name: "ca",
      leaves: [
        "vault", "shop", "other-shop", "impostor", "nobody", "revoked", "page", "page-server",
        "shop-backend",
      ],
      revoked: ["revoked"]),
    Authority(
      name: "acquirer-ca", leaves: ["simulator", "acquirer", "vault-client"], revoked: []),
    Authority(name: "stranger-ca", leaves: ["stranger"], revoked: nil),
  ]

  /// The name of the recipe in the directory.
  static let recipeName = "development-pki.cnf"

  /// How long certificates and revocation lists are good, in days: an installation that is kept
  /// is started again years later. The recipe's `default_crl_days` is the same.
  static let validityDays = 3650

  /// Whether `directory` holds a complete set.
  static func exists(in directory: String) -> Bool {
    DevelopmentFiles.exists("\(directory)/ca.pem")
  }

  /// Makes the set in `directory`, which must be absent or empty.
  ///
  /// It is made beside it and moved into place when it is whole, so that there is never half a set.
  /// - Throws: ``DevelopmentError/toolMissing(name:remedy:)`` without openssl(1).
  static func make(in directory: String) throws(DevelopmentError) {
    if DevelopmentFiles.exists(directory), try !DevelopmentFiles.names(in: directory).isEmpty {
      let reason =
        exists(in: directory)
        ? "certificates are already there; remove them to make new ones"
        : "is not empty; name a new directory"
      throw .unsuitableDirectory(path: directory, reason: reason)
    }
    let partial = "\(directory).partial-\(getpid())"
    try DevelopmentFiles.makeDirectory(partial)
    do {
      try DevelopmentFiles.write(
        PackageResources.development_pki_cnf, to: "\(partial)/\(recipeName)")
      for authority in authorities {
        try make(authority, in: partial)
      }
      try DevelopmentFiles.move(partial, to: directory)
    } catch {
      _ = try? ChildProcess.run(["rm", "-rf", partial])
      throw error
    }
  }

  /// Makes leaves that a set of an earlier version lacks.
  static func complete(in directory: String) throws(DevelopmentError) {
    for authority in authorities {
      for leaf in authority.leaves where !DevelopmentFiles.exists("\(directory)/\(leaf).pem") {
        try DevelopmentFiles.write(
          PackageResources.development_pki_cnf, to: "\(directory)/\(recipeName)")
        try certify(leaf, by: authority.name, in: directory)
      }
    }
  }

  private static func make(
    _ authority: Authority, in directory: String
  ) throws(DevelopmentError) {
    let name = authority.name
    try certify(name, by: nil, in: directory)
    for leaf in authority.leaves {
      try certify(leaf, by: name, in: directory)
    }
    guard let revoked = authority.revoked else { return }
    // What openssl(1) keeps of an authority between two lists.
    try DevelopmentFiles.write([], to: "\(directory)/\(name).index")
    try DevelopmentFiles.write(Array("01\n".utf8), to: "\(directory)/\(name).crlnumber")
    let authorize = ["ca", "-config", recipeName, "-name", name]
    for leaf in revoked {
      try openssl(authorize + ["-revoke", "\(leaf).pem"], in: directory)
    }
    try openssl(authorize + ["-gencrl", "-out", "\(name).crl"], in: directory)
  }

  /// Makes `NAME.key` (mode 0600) and `NAME.pem`, signed by `authority`, or by itself.
  private static func certify(
    _ name: String, by authority: String?, in directory: String
  ) throws(DevelopmentError) {
    var arguments = ["req", "-new", "-x509", "-config", recipeName, "-section", name]
    arguments += ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-sha256"]
    arguments += ["-days", "\(validityDays)", "-keyout", "\(name).key", "-out", "\(name).pem"]
    if let authority {
      arguments += ["-CA", "\(authority).pem", "-CAkey", "\(authority).key"]
    }
    try openssl(arguments, in: directory)
    guard unsafe chmod("\(directory)/\(name).key", 0o600) == 0 else {
      throw .system("\(directory)/\(name).key")
    }
  }

  private static func openssl(
    _ arguments: [String], in directory: String
  ) throws(DevelopmentError) {
    do {
      try ChildProcess.run(["openssl"] + arguments, directory: directory)
    } catch .toolMissing(let name, _) {
      throw .toolMissing(name: name, remedy: "install it with: apt-get install openssl")
    }
  }
}
