import Administration
import Configuration
import Glibc
import Keyring
import LMDB
import RecordFormat
import Storage

/// Looks at the store and its keys: through the running service, or by opening them.
struct StoreCheckup {
  /// How full the map may be, in percent, before it deserves a warning.
  private static let warningPercent = 80
  /// How little room the disk may have, in bytes, before it deserves a warning.
  private static let warningDiskBytes: UInt64 = 1 << 30

  let configuration: ServiceConfiguration

  func run() -> [Finding] {
    let path = configuration.administration.socketPath
    do {
      var isAnswered = false
      try AdminClient(path: path).run(.status) { _ in isAnswered = true }
      return isAnswered ? running + disk : disk
    } catch AdminClient.Failure.socket(.noService(_)) {
      return offline + disk
    } catch AdminClient.Failure.problem(403, _, _) {
      return running + disk
    } catch let failure as AdminClient.Failure {
      return [
        Finding(
          .error, .store, CommandFailure(failure).message,
          remedy: "look at the service's log, and at who may open the socket")
      ]
    } catch {
      return [Finding(.error, .store, CommandFailure(error).message)]
    }
  }

  private var running: [Finding] {
    [
      Finding(
        .ok, .store, "the service is running and has the store \(configuration.store.path) open"),
      Finding(.ok, .keys, "the service is running and has its keys"),
    ]
  }

  private var offline: [Finding] {
    do {
      try Session.checkOwner(of: configuration.store.path)
      let store = try Store.open(
        at: configuration.store.path, mapSize: Int(configuration.store.mapSizeBytes),
        options: Store.Options(isReadOnly: true))
      return [try room(store)] + development(store) + [keys(store)]
    } catch StorageError.notInitialized(let directory) {
      return [
        Finding(.error, .store, "there is no store in \(directory)", remedy: "run: cadenas init")
      ]
    } catch {
      return [
        Finding(
          .error, .store, CommandFailure(error).message,
          remedy: "run this as the user of the service, and see the store's documentation")
      ]
    }
  }

  private func room(_ store: Store) throws -> Finding {
    let information = try store.environment.information()
    let used = information.pageCount * information.pageSize
    let percent = used / (information.mapSize / 100)
    guard percent >= Self.warningPercent else {
      return Finding(.ok, .store, "the store uses \(percent) % of store.map_size")
    }
    return Finding(
      .warning, .store, "the store uses \(percent) % of store.map_size",
      remedy: "make store.map_size larger and restart the service")
  }

  private func development(_ store: Store) -> [Finding] {
    do {
      try KeyOpening.checkDevelopment(store, configuration)
      return []
    } catch {
      return [
        Finding(
          .error, .keys, CommandFailure(error).message,
          remedy: "make a new store for production with: cadenas init")
      ]
    }
  }

  private func keys(_ store: Store) -> Finding {
    do {
      let keyring = try KeyOpening.keyring(of: store, configuration)
      let identifier = keyring.keyEncryptionKeyIdentifier.text
      return Finding(.ok, .keys, "the keyring opens under key \(identifier)")
    } catch {
      return Finding(
        .error, .keys, CommandFailure(error).message,
        remedy: "put the key file in its place, mode 0600, owned by the user of the service")
    }
  }

  /// Room on the disk, as far as the store's directory can be reached.
  private var disk: [Finding] {
    var figures = statvfs()
    guard unsafe statvfs(configuration.store.path, &figures) == 0 else { return [] }
    let free = UInt64(figures.f_bavail) * UInt64(figures.f_frsize)
    guard free < Self.warningDiskBytes else { return [] }
    return [
      Finding(
        .warning, .store, "the disk of \(configuration.store.path) has \(free >> 20) MiB left",
        remedy: "make room: a full disk refuses new cards (507)")
    ]
  }
}
