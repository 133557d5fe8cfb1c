package import Cards
import SystemCalls

extension AdministrationSettings {
  /// Reads the section `administration` of the configuration in the file at `path`, and nothing
  /// else: a command that asks the running service needs its socket, and may not be allowed to read
  /// the private files that the other sections name.
  /// - Throws: ``ConfigurationError`` with every mistake of that section.
  package static func load(path: String) throws(ConfigurationError) -> AdministrationSettings {
    try ConfigurationLoader.section(of: path) { loader, reader, _ in loader.administration(reader) }
  }
}

extension StoreSettings {
  /// Reads the section `store`, and nothing else; see ``AdministrationSettings/load(path:)``.
  /// - Throws: ``ConfigurationError`` with every mistake of that section.
  package static func load(path: String) throws(ConfigurationError) -> StoreSettings {
    try ConfigurationLoader.section(of: path) { loader, reader, _ in loader.store(reader) }
  }
}

/// The brand table that a configuration puts in force, and where it comes from.
package struct BrandSettings: Sendable {
  /// The table.
  package let table: BrandTable
  /// The absolute path of its file; nil for the one built into the vault.
  package let path: String?

  /// The table built into the vault.
  package static let builtIn = BrandSettings(table: .standard, path: nil)

  /// Reads the section `brands` and the file that it names, and nothing else; see
  /// ``AdministrationSettings/load(path:)``.
  /// - Throws: ``ConfigurationError`` with every mistake of both.
  package static func load(path: String) throws(ConfigurationError) -> BrandSettings {
    try ConfigurationLoader.section(of: path) { loader, reader, _ in
      loader.brands(reader).map {
        BrandSettings(table: $0, path: reader.has("brands") ? loader.path(reader, "brands") : nil)
      }
    }
  }
}

extension ConfigurationLoader {
  /// What `body` reads of the configuration in the file at `path`, whose absolute path it is given.
  static func section<Section>(
    of path: String, _ body: (ConfigurationLoader, MappingReader, String) -> Section?
  ) throws(ConfigurationError) -> Section {
    let diagnostics = Diagnostics()
    var section: Section?
    if let file = ConfigurationFiles.absolute(path) {
      if let tree = ConfigurationTree.read(file, called: path, diagnostics),
        let reader = MappingReader(tree, name: "", diagnostics)
      {
        let loader = ConfigurationLoader(
          directory: Directory.containing(file), diagnostics: diagnostics)
        section = body(loader, reader, file)
      }
    } else {
      diagnostics.report(
        Diagnostic(file: path, line: nil, message: "the working directory has no name"))
    }
    guard let section, diagnostics.isEmpty else {
      throw ConfigurationError(diagnostics: diagnostics.all)
    }
    return section
  }
}
