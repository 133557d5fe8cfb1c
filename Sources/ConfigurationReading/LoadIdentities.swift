import AccessPolicy

/// Who has been given an identity so far, so that none is given twice under one authority.
final class IdentityRegister {
  private struct Key: Hashable {
    let uri: String
    let path: String
  }

  private var owners: [Key: String] = [:]
  /// The lines on which each identity stands.
  private(set) var lines: [String: [Int]] = [:]

  /// Gives `uri` under the authorities of files to `owner`.
  ///
  /// Files count as one by their path. Whether two hold the same authority, or one that stands above
  /// the other's, is not known here, where certificates are not read.
  /// - Returns: who has it already under one of them; nil where nobody had.
  func claim(_ uri: String, under paths: [String], for owner: String, line: Int) -> String? {
    lines[uri, default: []].append(line)
    let keys = Set(paths.map { Key(uri: uri, path: $0) })
    if let other = keys.lazy.compactMap({ self.owners[$0] }).first { return other }
    for key in keys { owners[key] = owner }
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
  /// Reads `clients`, `client_ca` and `client_crl`; nil where they are not complete.
  func identity(
    _ reader: MappingReader, of owner: ClientOwner
  ) -> (clients: [MerchantClient], authority: AuthorityReference)? {
    let authorities = reader.requiredTree("client_ca") == nil ? [] : files(reader, "client_ca")
    let revocationLists = files(reader, "client_crl")
    guard let clients = clients(reader, of: owner) else { return nil }
    for (client, position) in clients {
      let uri = client.id
      if let mistake = SPIFFEIdentity.mistake(in: uri) {
        diagnostics.report("the identity \(quoted(uri)) \(mistake)", at: position)
      } else if let other = identities.claim(
        uri, under: authorities.map(\.path), for: owner.words, line: position.line)
      {
        diagnostics.report(
          other == owner.words
            ? "\(quoted(uri)) is named twice"
            : "\(quoted(uri)) belongs to \(other) already, under the same authority",
          at: position)
      }
    }
    guard !authorities.isEmpty else { return nil }
    let authority = AuthorityReference(
      certificatePaths: authorities.map(\.path), revocationListPaths: revocationLists.map(\.path))
    return (clients.map(\.client), authority)
  }

  /// The files under a key that names one, or a list of several; each can be read. Empty where the
  /// key is absent, or something is wrong, which has been reported.
  private func files(
    _ reader: MappingReader, _ key: String
  ) -> [(path: String, position: ConfigurationTree.Position)] {
    guard let tree = reader.tree(key) else { return [] }
    guard case .sequence(let elements) = tree.value else {
      return file(reader, key).map { [($0, reader.position(of: key))] } ?? []
    }
    if elements.isEmpty {
      diagnostics.report(
        "\(quoted(reader.path(key))) is empty", at: tree.position,
        suggestion: "name at least one file")
    }
    var files: [(path: String, position: ConfigurationTree.Position)] = []
    for element in elements {
      guard let text = reader.string(element, reader.path(key)),
        let path = file(text, named: reader.path(key), at: element.position)
      else { continue }
      if files.contains(where: { $0.path == path }) {
        diagnostics.report("\(quoted(text)) is named twice", at: element.position)
      } else {
        files.append((path, element.position))
      }
    }
    return files
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
