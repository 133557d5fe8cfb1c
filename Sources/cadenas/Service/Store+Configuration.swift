import ConfigurationReading
import Keyring
import Storage
import SystemCalls

extension Store {
  /// Opens the store that the configuration names.
  ///
  /// - Throws: `StorageError`. Where there is none, it names key files among what tells of one.
  static func open(
    of configuration: ServiceConfiguration, options: Options = Options()
  ) throws(StorageError) -> Store {
    do throws(StorageError) {
      return try open(
        at: configuration.store.path, mapSize: Int(configuration.store.mapSizeBytes),
        options: options)
    } catch {
      guard case .notInitialized(let directory, let remains) = error else { throw error }
      throw .notInitialized(directory: directory, remains: remains + keyFiles(of: configuration))
    }
  }

  /// Key files that some store needs, in the source that the configuration names.
  private static func keyFiles(of configuration: ServiceConfiguration) -> [String] {
    guard let directory = configuration.keys.source.directoryOfNewKeys,
      let names = try? Directory.names(in: directory)
    else { return [] }
    return names.filter { $0.hasSuffix(".kek") }.map { "\(directory)/\($0)" }
  }
}
