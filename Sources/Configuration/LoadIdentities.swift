import AccessPolicy

/// Who has been given an identity so far, so that none is given twice under one authority.
final class IdentityRegister {
  private struct Key: Hashable {
    let uri: String
    let authorityCertificate: [UInt8]
  }

  private var owners: [Key: String] = [:]
  /// The content of each authority's file, read once: a file that is replaced meanwhile does not
  /// become two authorities.
  fileprivate var contents: [String: [UInt8]] = [:]

  /// Gives `uri` under an authority to `owner`.
  ///
  /// Authorities count as one where their certificate files hold the same bytes, so that a copy of
  /// a file does not hide that two principals could be the same client.
  /// - Returns: who has it already; nil where nobody had.
  func claim(_ uri: String, under certificate: [UInt8], for owner: String) -> String? {
    let key = Key(uri: uri, authorityCertificate: certificate)
    if let other = owners[key] { return other }
    owners[key] = owner
    return nil
  }
}

/// Quotas as they were read, and which of them could not be.
struct ReadQuotas {
  var quotas = Quotas()
  /// Operations whose figure stands there but is wrong, and has been reported.
  var mistaken: Set<Operation> = []

  func isMistaken(_ operation: Operation) -> Bool { mistaken.contains(operation) }
}

extension ConfigurationLoader {
  /// The bytes that an authority's certificate file may have.
  private static let maximumAuthorityBytes = 65_536

  /// Reads `clients`, `client_ca` and `client_crl`; nil where they are not complete.
  func identity(
    _ reader: MappingReader, of owner: String
  ) -> (clients: [String], authority: AuthorityReference)? {
    let certificate = requiredFile(reader, "client_ca")
    let revocationList = file(reader, "client_crl")
    guard reader.requiredTree("clients") != nil, let clients = reader.strings("clients") else {
      return nil
    }
    if clients.isEmpty {
      diagnostics.report(
        "\(quoted(reader.path("clients"))) is empty", at: reader.position(of: "clients"),
        suggestion: "name at least one spiffe:// identity")
    }
    let bytes = certificate.flatMap { authorityBytes($0, at: reader.position(of: "client_ca")) }
    for (uri, position) in clients {
      if let mistake = SPIFFEIdentity.mistake(in: uri) {
        diagnostics.report("the identity \(quoted(uri)) \(mistake)", at: position)
      } else if let bytes, let other = identities.claim(uri, under: bytes, for: owner) {
        diagnostics.report(
          other == owner
            ? "\(quoted(uri)) is named twice"
            : "\(quoted(uri)) belongs to \(other) already, under the same authority",
          at: position)
      }
    }
    guard let certificate else { return nil }
    let authority = AuthorityReference(
      certificatePath: certificate, revocationListPath: revocationList)
    return (clients.map(\.text), authority)
  }

  private func authorityBytes(
    _ path: String, at position: ConfigurationTree.Position
  ) -> [UInt8]? {
    if let content = identities.contents[path] { return content }
    do throws(ConfigurationFileProblem) {
      let content = try ConfigurationFiles.read(path, maximumBytes: Self.maximumAuthorityBytes)
      identities.contents[path] = content
      return content
    } catch {
      diagnostics.report("\(path) \(error.text)", at: position)
      return nil
    }
  }

  /// Reads `quotas` with a figure for each of `operations`.
  func quotas(_ reader: MappingReader, _ operations: [Operation]) -> ReadQuotas {
    guard let section = reader.mapping("quotas") else {
      return ReadQuotas(mistaken: reader.has("quotas") ? Set(operations) : [])
    }
    var figures: [Operation: Int] = [:]
    var mistaken: Set<Operation> = []
    for operation in operations {
      let key = "\(operation.rawValue)_per_minute"
      figures[operation] = section.integer(key, in: Quotas.allowedPerMinute)
      if figures[operation] == nil, section.has(key) { mistaken.insert(operation) }
    }
    section.finish()
    let quotas = Quotas(
      tokenizePerMinute: figures[.tokenize], detokenizePerMinute: figures[.detokenize],
      deletePerMinute: figures[.delete])
    return ReadQuotas(quotas: quotas, mistaken: mistaken)
  }
}
