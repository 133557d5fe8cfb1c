// The sections about this host: where to listen, where things lie, who administers.

extension ConfigurationLoader {
  func listen(_ reader: MappingReader) -> ListenAddress? {
    guard reader.has("listen") else { return ListenAddress(host: "127.0.0.1", port: 8443) }
    guard let text = reader.string("listen") else { return nil }
    guard let address = HostAndPort(text) else {
      diagnostics.report(
        "\"listen\" expects host:port, found \(quoted(text))", at: reader.position(of: "listen"),
        suggestion: "for example 127.0.0.1:8443 or [::1]:8443")
      return nil
    }
    return ListenAddress(host: address.host, port: address.port)
  }

  func store(_ reader: MappingReader) -> StoreSettings? {
    guard let section = reader.requiredMapping("store") else { return nil }
    defer { section.finish() }
    let path = requiredPath(section, "path")
    guard let size = section.requiredTree("map_size"),
      let bytes = bytes(
        size, of: "store.map_size", in: StoreSettings.allowedMapSizeBytes, "1MiB to 64TiB",
        suggestion: "for example 64GiB, 512MiB or 1048576")
    else { return nil }
    let journal = section.tree("journal").flatMap {
      self.bytes(
        $0, of: "store.journal", in: StoreSettings.allowedJournalBytes, "1MiB to 64MiB",
        suggestion: "for example 16MiB; without it, a sixteenth of map_size")
    }
    return path.map { StoreSettings(path: $0, mapSizeBytes: bytes, journalBytes: journal) }
  }

  /// A size within bounds; nil for anything else, which is reported.
  private func bytes(
    _ size: ConfigurationTree, of name: String, in allowed: ClosedRange<UInt64>, _ bounds: String,
    suggestion: String
  ) -> UInt64? {
    if case .scalar(let text, _) = size.value, let bytes = byteSize(text), allowed.contains(bytes) {
      return bytes
    }
    diagnostics.report(
      "\"\(name)\" expects a size from \(bounds), found \(size.kind)", at: size.position,
      suggestion: suggestion)
    return nil
  }

  func serverCertificate(_ reader: MappingReader) -> TLSSettings? {
    guard let section = reader.requiredMapping("tls") else { return nil }
    defer { section.finish() }
    let certificate = requiredFile(section, "certificate")
    let key = requiredFile(section, "private_key", isPrivate: true)
    guard let certificate, let key else { return nil }
    return TLSSettings(
      certificatePath: certificate, privateKeyPath: key,
      certificateLine: section.position(of: "certificate").line,
      privateKeyLine: section.position(of: "private_key").line)
  }

  func administration(_ reader: MappingReader) -> AdministrationSettings? {
    guard let section = reader.requiredMapping("administration") else { return nil }
    defer { section.finish() }
    let socket = requiredPath(section, "socket")
    let group = section.string("socket_group").flatMap {
      isAccountName($0, at: section.position(of: "socket_group")) ? $0 : nil
    }
    let operators = actors(section, "operators")
    let auditors = actors(section, "auditors")
    let custodians = actors(section, "custodians")
    let monitors = actors(section, "monitors")
    let approvals = approvals(section)
    let tickets = tickets(section)
    guard let socket else { return nil }
    guard socket.utf8.count <= AdministrationSettings.maximumSocketPathBytes else {
      diagnostics.report(
        "the socket's path \(socket) has \(socket.utf8.count) bytes, the system allows "
          + "\(AdministrationSettings.maximumSocketPathBytes)",
        at: section.position(of: "socket"))
      return nil
    }
    return AdministrationSettings(
      socketPath: socket, socketGroup: group, operators: operators, auditors: auditors,
      custodians: custodians, monitors: monitors, approvals: approvals, ticketsRequired: tickets)
  }

  private func approvals(_ section: MappingReader) -> [String: Int] {
    guard let persons = section.mapping("approvals") else { return [:] }
    defer { persons.finish() }
    return AdministrationSettings.approvalWords.reduce(into: [:]) { approvals, word in
      approvals[word] = persons.integer(word, in: 1...9)
    }
  }

  /// Whether tickets are `required`; they are `optional` where nothing is said.
  private func tickets(_ section: MappingReader) -> Bool {
    guard let word = section.string("tickets") else { return false }
    let words = ["optional", "required"]
    if !words.contains(word) {
      reportUnknown(
        word, as: "rule for tickets", among: words, at: section.position(of: "tickets"))
    }
    return word == "required"
  }

  private func actors(_ section: MappingReader, _ key: String) -> [AdministrationActor] {
    (section.strings(key) ?? []).compactMap { text, position in
      let isGroup = text.hasPrefix("@")
      let name = isGroup ? String(text.dropFirst()) : text
      guard isAccountName(name, at: position) else { return nil }
      return isGroup ? .group(name) : .user(name)
    }
  }

  /// Whether text can be the name of a user or group; reports it if not. Whether there is one is
  /// known on the host that serves.
  private func isAccountName(_ name: String, at position: ConfigurationTree.Position) -> Bool {
    let isValid =
      (1...256).contains(name.utf8.count) && name.utf8.first != UInt8(ascii: "-")
      && name.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F && !":/@,".utf8.contains($0) }
    if !isValid {
      diagnostics.report("\(quoted(name)) is not the name of a user or group", at: position)
    }
    return isValid
  }
}

/// The bytes that `64GiB`, `512MiB` or `1048576` mean; nil for any other form.
func byteSize(_ text: String) -> UInt64? {
  let units: [(suffix: String, bytes: UInt64)] = [
    ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40),
  ]
  let unit = units.first { text.hasSuffix($0.suffix) }
  let digits = text.dropLast(unit?.suffix.count ?? 0)
  guard let count = UInt64(digits), String(count) == digits else { return nil }
  let (bytes, overflow) = count.multipliedReportingOverflow(by: unit?.bytes ?? 1)
  return overflow ? nil : bytes
}
