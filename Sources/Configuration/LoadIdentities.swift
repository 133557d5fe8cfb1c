import AccessPolicy

/// Who has been given an identity so far, so that none is given twice under one authority.
final class IdentityRegister {
  private struct Key: Hashable {
    let uri: String
    let certificate: [UInt8]
  }

  private var owners: [Key: String] = [:]
  /// The certificates of each authority's file, read once: a file that is replaced meanwhile does
  /// not become two authorities.
  fileprivate var certificates: [String: [[UInt8]]] = [:]
  /// The lines on which each identity stands.
  private(set) var lines: [String: [Int]] = [:]

  /// Gives `uri` under authorities to `owner`.
  ///
  /// Authorities count as one where their files hold the same certificate, so that a copy of a file
  /// does not hide that two principals could be the same client. Whether one of them stands above
  /// another is not known here, where certificates are not read.
  /// - Returns: who has it already under one of them; nil where nobody had.
  func claim(_ uri: String, under certificates: [[UInt8]], for owner: String, line: Int) -> String?
  {
    lines[uri, default: []].append(line)
    let keys = Set(certificates.map { Key(uri: uri, certificate: $0) })
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
  /// The bytes that an authority's certificate file may have.
  private static let maximumAuthorityBytes = 65_536

  /// Reads `clients`, `client_ca` and `client_crl`; nil where they are not complete.
  func identity(
    _ reader: MappingReader, of owner: String
  ) -> (clients: [String], authority: AuthorityReference)? {
    let authorities = reader.requiredTree("client_ca") == nil ? [] : files(reader, "client_ca")
    let revocationLists = files(reader, "client_crl")
    guard reader.requiredTree("clients") != nil, let clients = reader.strings("clients") else {
      return nil
    }
    if clients.isEmpty {
      diagnostics.report(
        "\(quoted(reader.path("clients"))) is empty", at: reader.position(of: "clients"),
        suggestion: "name at least one spiffe:// identity")
    }
    let certificates = authorities.compactMap { self.certificates(of: $0.path, at: $0.position) }
    for (uri, position) in clients {
      if let mistake = SPIFFEIdentity.mistake(in: uri) {
        diagnostics.report("the identity \(quoted(uri)) \(mistake)", at: position)
      } else if let other = identities.claim(
        uri, under: Array(certificates.joined()), for: owner, line: position.line)
      {
        diagnostics.report(
          other == owner
            ? "\(quoted(uri)) is named twice"
            : "\(quoted(uri)) belongs to \(other) already, under the same authority",
          at: position)
      }
    }
    guard !authorities.isEmpty else { return nil }
    let authority = AuthorityReference(
      certificatePaths: authorities.map(\.path), revocationListPaths: revocationLists.map(\.path))
    return (clients.map(\.text), authority)
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

  /// The certificates of a file as they are written, without reading what they say: the text of each
  /// block in PEM, or the whole file.
  private func certificates(
    of path: String, at position: ConfigurationTree.Position
  ) -> [[UInt8]]? {
    if let certificates = identities.certificates[path] { return certificates }
    do throws(ConfigurationFileProblem) {
      let content = try ConfigurationFiles.read(path, maximumBytes: Self.maximumAuthorityBytes)
      let certificates = Self.blocks(of: content)
      identities.certificates[path] = certificates
      return certificates
    } catch {
      diagnostics.report("\(path) \(error.text)", at: position)
      return nil
    }
  }

  private static func blocks(of content: [UInt8]) -> [[UInt8]] {
    var blocks: [[UInt8]] = []
    var block: [UInt8]?
    for line in content.split(whereSeparator: { $0 == 0x0a || $0 == 0x0d }) {
      if line.starts(with: "-----BEGIN ".utf8) {
        block = []
      } else if line.starts(with: "-----END ".utf8) {
        if let block { blocks.append(block) }
        block = nil
      } else {
        block?.append(contentsOf: line.filter { $0 > 0x20 })
      }
    }
    return blocks.isEmpty ? [content] : blocks
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
