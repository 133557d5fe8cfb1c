/// Sets two values in a configuration file and leaves every other byte as its owner wrote it.
enum ConfigurationEdit {
  /// Sets the address in the top-level line `listen: …`.
  /// - Throws: ``DevelopmentError/invalid(_:)`` where there is no such line.
  static func setListen(
    _ endpoint: Endpoint, in text: String
  ) throws(DevelopmentError) -> String {
    var lines = Lines(text)
    guard let index = lines.all.firstIndex(where: { $0.hasPrefix("listen:") }) else {
      throw .invalid("cadenas.yaml has no top-level line 'listen: ADDRESS:PORT' to set")
    }
    lines.all[index] = "listen: \(endpoint)"
    return lines.text
  }

  /// Sets the acquirer's address in the first `url: https://…` below `acquirers:` and `name:`.
  /// - Throws: ``DevelopmentError/invalid(_:)`` where there is none.
  static func setAcquirer(
    _ name: String, url: String, in text: String
  ) throws(DevelopmentError) -> String {
    var lines = Lines(text)
    let section = lines.block(of: "acquirers", within: lines.all.indices)
    let block = section.flatMap { lines.block(of: name, within: $0.dropFirst()) }
    guard let block,
      let index = block.first(where: { lines.all[$0].contains("url: https://") }),
      let changed = replaceURL(in: lines.all[index], with: url)
    else {
      throw .invalid("cadenas.yaml has no line 'url: https://…' below acquirers and \(name) to set")
    }
    lines.all[index] = changed
    return lines.text
  }

  private static func replaceURL(in line: Substring, with url: String) -> Substring? {
    guard let key = line.firstRange(of: "url: https://") else { return nil }
    let start = line.index(key.lowerBound, offsetBy: "url: ".count)
    let end = line[start...].firstIndex { " ,}\"'".contains($0) } ?? line.endIndex
    return line[..<start] + url + line[end...]
  }

  private struct Lines {
    var all: [Substring]

    init(_ text: String) {
      all = text.split(separator: "\n", omittingEmptySubsequences: false)
    }

    var text: String { all.joined(separator: "\n") }

    /// The line of the key, at the level of the first line in `range`, and all lines below it.
    func block(of key: String, within range: Range<Int>) -> Range<Int>? {
      guard let first = range.first(where: { !isBlank($0) }) else { return nil }
      let line = String(repeating: " ", count: indentation(first)) + "\(key):"
      guard let start = range.first(where: { all[$0].hasPrefix(line) }) else { return nil }
      let own = indentation(start)
      let end = range.first { $0 > start && !isBlank($0) && indentation($0) <= own }
      return start..<(end ?? range.upperBound)
    }

    private func indentation(_ index: Int) -> Int {
      all[index].prefix(while: { $0 == " " }).count
    }

    private func isBlank(_ index: Int) -> Bool {
      let content = all[index].drop(while: { $0 == " " })
      return content.isEmpty || content.hasPrefix("#")
    }
  }
}
