import AccessPolicy
import Cards

/// The acquirers as they were read.
struct ReadAcquirers {
  /// Every name, those with mistakes too, so that naming one is not a second mistake.
  var names: [String] = []
  /// Those without a mistake.
  var acquirers: [Acquirer] = []
  /// How to forward payments, by name.
  var push: [String: PushSettings] = [:]
}

extension ConfigurationLoader {
  func acquirers(_ reader: MappingReader) -> ReadAcquirers {
    var read = ReadAcquirers()
    guard let section = reader.mapping("acquirers") else { return read }
    for member in section.named where isName(member, of: "an acquirer") {
      read.names.append(member.key)
      guard let one = MappingReader(member.tree, name: section.path(member.key), diagnostics)
      else { continue }
      let before = diagnostics.count
      let currencies = currencies(one)
      let pull = one.mapping("pull").flatMap { readPull($0, of: member.key) }
      let push = one.mapping("push").flatMap { readPush($0) }
      one.finish()
      guard diagnostics.count == before else { continue }
      read.acquirers.append(
        Acquirer(name: member.key, currencies: currencies, pull: pull, push: push != nil))
      read.push[member.key] = push
    }
    return read
  }

  private func currencies(_ reader: MappingReader) -> Set<String> {
    let isRequired = reader.has("push")
    guard !isRequired || reader.requiredTree("currencies") != nil else { return [] }
    let words = reader.strings("currencies")
    if isRequired, let words, words.isEmpty {
      diagnostics.report(
        "\(quoted(reader.path("currencies"))) is empty", at: reader.position(of: "currencies"),
        suggestion: "for example [EUR]")
    }
    for (word, position) in words ?? [] where Currency(code: word) == nil {
      let codes = Currency.all.map(\.code)
      let upper = word.uppercased()
      let suggestion = codes.contains(upper) ? upper : nil
      diagnostics.report(
        "\(quoted(word)) is not an ISO 4217 currency", at: position,
        suggestion: suggestion.map { "did you mean \(quoted($0))?" })
    }
    return Set((words ?? []).map(\.text))
  }

  private func readPull(_ reader: MappingReader, of name: String) -> PullAccess? {
    let identity = identity(reader, of: .acquirer(name: name))
    let quotas = quotas(reader, [.detokenize])
    reader.finish()
    return identity.map {
      PullAccess(
        clients: $0.clients.map(\.id), authority: $0.authority, quotas: quotas.quotas)
    }
  }

  private func readPush(_ reader: MappingReader) -> PushSettings? {
    let template = requiredFile(reader, "template")
    let url = BaseURL.read(reader, "url")
    let tls = reader.mapping("tls").flatMap { OutboundTLS.read($0, directory: directory) }
    reader.finish()
    return template.map { PushSettings(templatePath: $0, url: url, tls: tls) }
  }
}

extension BaseURL {
  /// Reads the URL under a key; nil where the key is absent or it has another form (reported).
  package static func read(_ reader: MappingReader, _ key: String) -> BaseURL? {
    guard let text = reader.string(key) else { return nil }
    if let url = BaseURL(text) { return url }
    reader.diagnostics.report(
      "\(quoted(reader.path(key))) expects https://host[:port][/path], found \(quoted(text))",
      at: reader.position(of: key))
    return nil
  }
}

extension OutboundTLS {
  /// Reads `ca`, `server_name`, and `certificate` with `private_key`, and finishes the reader.
  ///
  /// - Parameters:
  ///   - reader: the mapping of a configuration or of a template.
  ///   - directory: the absolute path where relative paths start.
  /// - Returns: nil where something is missing or wrong, which has been reported.
  package static func read(_ reader: MappingReader, directory: String) -> OutboundTLS? {
    let loader = ConfigurationLoader(directory: directory, diagnostics: reader.diagnostics)
    let before = reader.diagnostics.count
    let authority = loader.requiredFile(reader, "ca")
    let serverName = reader.requiredString("server_name")
    if let serverName, !isHostName(serverName[...]) {
      reader.diagnostics.report(
        "\(quoted(reader.path("server_name"))) expects a host name, found \(quoted(serverName))",
        at: reader.position(of: "server_name"))
    }
    let certificate = loader.file(reader, "certificate")
    let key = loader.file(reader, "private_key", isPrivate: true)
    if reader.has("certificate") != reader.has("private_key") {
      let missing = reader.has("certificate") ? "private_key" : "certificate"
      reader.diagnostics.report(
        "\(quoted(reader.path(missing))) is missing", at: reader.position,
        suggestion: "a client certificate needs both")
    }
    reader.finish()
    guard let authority, let serverName, reader.diagnostics.count == before else { return nil }
    var client: ClientCertificate?
    if let certificate, let key {
      client = ClientCertificate(certificatePath: certificate, privateKeyPath: key)
    }
    return OutboundTLS(caPath: authority, serverName: serverName, clientCertificate: client)
  }
}
