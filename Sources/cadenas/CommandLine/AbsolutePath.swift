import ConfigurationReading

/// A path that the service understands as the one who asks does.
enum AbsolutePath {
  /// `path` from the root; relative ones start at the working directory.
  static func of(_ path: String) throws(CommandFailure) -> String {
    guard let absolute = ConfigurationFiles.absolute(path) else {
      throw .system("the working directory")
    }
    return absolute
  }
}
