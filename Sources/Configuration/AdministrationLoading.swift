extension AdministrationSettings {
  /// Reads the section `administration` of the configuration in the file at `path`, and nothing
  /// else: a command that asks the running service needs its socket, and may not be allowed to read
  /// the private files that the other sections name.
  /// - Throws: ``ConfigurationError`` with every mistake of that section.
  package static func load(path: String) throws(ConfigurationError) -> AdministrationSettings {
    let diagnostics = Diagnostics()
    var settings: AdministrationSettings?
    if let file = ConfigurationFiles.absolute(path),
      let tree = ConfigurationTree.read(file, called: path, diagnostics),
      let reader = MappingReader(tree, name: "", diagnostics)
    {
      let loader = ConfigurationLoader(
        directory: ConfigurationFiles.directory(of: file), diagnostics: diagnostics)
      settings = loader.administration(reader)
    }
    guard let settings, diagnostics.isEmpty else {
      throw ConfigurationError(diagnostics: diagnostics.all)
    }
    return settings
  }
}
