import AccessPolicy

/// Whose clients are read, and what of its rights an entry may give.
enum ClientOwner {
  /// A merchant with these operations, none where they could not be read.
  case merchant(name: String, operations: Set<Operation>)
  /// An acquirer, whose clients may detokenize and nothing else.
  case acquirer(name: String)

  /// What messages call it.
  var words: String {
    switch self {
    case .merchant(let name, _): "merchant \(quoted(name))"
    case .acquirer(let name): "acquirer \(quoted(name))"
    }
  }
}

extension ConfigurationLoader {
  /// Reads the list `clients`: an entry is an identity, or for a merchant a mapping of `id`, `operations` and
  /// `quotas`. Nil where there is no list; what is wrong is left out, and has been reported.
  func clients(_ reader: MappingReader, of owner: ClientOwner) -> [ReadClient]? {
    guard let tree = reader.requiredTree("clients") else { return nil }
    guard case .sequence(let elements) = tree.value else {
      diagnostics.report(
        "\(quoted(reader.path("clients"))) expects a list, found \(tree.kind)", at: tree.position)
      return nil
    }
    if elements.isEmpty {
      diagnostics.report(
        "\(quoted(reader.path("clients"))) is empty", at: reader.position(of: "clients"),
        suggestion: "name at least one spiffe:// identity")
    }
    return elements.compactMap { client($0, reader, of: owner) }
  }

  /// A client, and where its identity stands.
  typealias ReadClient = (client: MerchantClient, position: ConfigurationTree.Position)

  private func client(
    _ tree: ConfigurationTree, _ list: MappingReader, of owner: ClientOwner
  ) -> ReadClient? {
    let path = list.path("clients")
    guard case .mapping = tree.value else {
      return list.string(tree, path).map { (MerchantClient(id: $0), tree.position) }
    }
    guard case .merchant(let merchant, let operations) = owner else {
      diagnostics.report(
        "\(quoted(path)) expects a spiffe:// identity, found a mapping", at: tree.position,
        suggestion: "an acquirer's clients may detokenize and nothing else, all of them alike")
      return nil
    }
    guard let reader = MappingReader(tree, name: path, diagnostics) else { return nil }
    let id = reader.requiredString("id")
    let own = ownOperations(reader, of: merchant, with: operations)
    let quotas = quotas(reader, [.tokenize, .detokenize, .delete]).quotas
    reader.finish()
    return id.map {
      (MerchantClient(id: $0, operations: own, quotas: quotas), reader.position(of: "id"))
    }
  }

  /// What of the merchant's operations a client may; nil for all of them.
  private func ownOperations(
    _ reader: MappingReader, of merchant: String, with operations: Set<Operation>
  ) -> Set<Operation>? {
    guard let tree = reader.tree("operations") else {
      if reader.isNull("operations") {
        // What was emptied by mistake would be all rights.
        diagnostics.report(
          "\(quoted(reader.path("operations"))) has no value",
          at: reader.position(of: "operations"),
          suggestion: "leave the key out for all that the merchant may")
      }
      return nil
    }
    guard case .sequence(let elements) = tree.value, !elements.isEmpty else {
      diagnostics.report(
        "\(quoted(reader.path("operations"))) expects a list of operations, found "
          + (tree.kind == "a list" ? "an empty one" : tree.kind), at: tree.position,
        suggestion: "leave it out for all that the merchant may")
      return nil
    }
    let own = self.operations(reader)
    // Where the merchant's own could not be read, that has been said.
    guard !operations.isEmpty else { return nil }
    for operation in Operation.allCases where own.contains(operation) {
      guard !operations.contains(operation) else { continue }
      diagnostics.report(
        "merchant \(quoted(merchant)) may not \(operation.rawValue), and so may no client of it",
        at: position(of: operation, in: elements) ?? tree.position,
        suggestion: "add it to \(quoted("merchants.\(merchant).operations")), or remove it here")
    }
    return own.intersection(operations)
  }

  private func position(
    of operation: Operation, in elements: [ConfigurationTree]
  ) -> ConfigurationTree.Position? {
    elements.first {
      if case .scalar(let word, _) = $0.value { word == operation.rawValue } else { false }
    }?.position
  }
}
