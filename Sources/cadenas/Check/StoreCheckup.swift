import Administration
import CardStore
import Configuration
import Glibc
import Keyring
import RecordFormat
import Storage
import SystemCalls

/// Looks at the store and its keys: through the running service, or by opening them.
struct StoreCheckup {
  /// How full the map may be, in percent, before it deserves a warning.
  private static let warningPercent = 80
  /// How little room the disk may have, in bytes, before it deserves a warning.
  private static let warningDiskBytes: UInt64 = 1 << 30

  let configuration: ServiceConfiguration
  private var source: any KeyEncryptionKeySource { configuration.keys.source }

  /// What was found, and whether a service runs.
  func run() -> (findings: [Finding], isRunning: Bool) {
    let path = configuration.administration.socketPath
    do {
      var status: [UInt8] = []
      try AdminClient(path: path).run(ShowStatus()) { part in
        if case .document(let document) = part { status = document }
      }
      let document = try DocumentView(status)
      return ([running, state(document)] + keyWarnings(document) + disk, true)
    } catch AdminClient.Failure.socket(.noService(_)) {
      return (offline + disk, false)
    } catch AdminClient.Failure.problem(403, _, _) {
      let unseen = Finding.unseen(
        .keys,
        "a service is running, and how its keys and its store are was not seen: this user has no role",
        remedy: "name the user among administration.auditors, or run this as somebody who is there")
      return ([running, unseen] + disk, true)
    } catch let failure as AdminClient.Failure {
      let finding = Finding(
        .error, .store, CommandFailure(failure).message,
        remedy: "look at the service's log, and at who may open the socket")
      return ([finding], true)
    } catch {
      return ([Finding(.error, .store, CommandFailure(error).message)], true)
    }
  }

  private var running: Finding {
    Finding(
      .ok, .store, "the service is running and has the store \(configuration.store.path) open")
  }

  /// How the service says that it is.
  private func state(_ status: DocumentView) -> Finding {
    switch status.text("state") {
    case ServiceStatus.State.serving.rawValue:
      Finding(.ok, .keys, "the service is running and has its keys")
    case ServiceStatus.State.sealed.rawValue:
      Finding(
        .warning, .keys, "the service is sealed: every request is answered 503",
        remedy: "open it with: cadenas unseal")
    case ServiceStatus.State.writingEnded.rawValue:
      Finding(
        .error, .store, "the service writes nothing any more, and ends",
        remedy: "look at the service's log, which says why")
    case let state:
      Finding(
        .warning, .store, "the service is \(state)",
        remedy: "wait, and look again")
    }
  }

  private var offline: [Finding] {
    do {
      try Session.checkOwner(of: configuration.store.path)
      let store = try Store.open(
        at: configuration.store.path, mapSize: Int(configuration.store.mapSizeBytes),
        options: Store.Options(isReadOnly: true))
      return [try room(store)] + development(store) + keys(store)
    } catch StorageError.notInitialized(let directory) {
      return [
        Finding(
          .error, .store, "there is no store in \(directory)",
          remedy: "run: cadenas init"
            + (source.isHeldByCustodians ? " --ceremony PLAN --shares DIR" : ""))
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
    let size = try store.statistics()
    let percent = size.usedBytes / (size.mapBytes / 100)
    guard percent >= Self.warningPercent else {
      return Finding(.ok, .store, "the store uses \(percent) % of store.map_size")
    }
    return Finding(
      .warning, .store, "the store uses \(percent) % of store.map_size",
      remedy: "make store.map_size larger and restart the service")
  }

  private func development(_ store: Store) -> [Finding] {
    do {
      try DevelopmentMark.check(store, configuration)
      return []
    } catch {
      return [
        Finding(
          .error, .keys, CommandFailure(error).message,
          remedy: "make a new store for production with: cadenas init")
      ]
    }
  }

  private func keys(_ store: Store) -> [Finding] {
    do {
      // Where it does not fit the store, this says so as the start would.
      guard let keyring = try KeyringStore.openAtStart(of: store, source: source) else {
        return try custodians(of: store)
      }
      let identifier = keyring.keyEncryptionKeyIdentifier.text
      let statuses = try keyring.status(
        cards: try CardVerifier.cardCounts(in: store),
        uses: try store.read { try KeyTally.read(.uses, $0) },
        rules: configuration.keyRules,
        atMilliseconds: UInt64(clamping: SystemClock.unixMilliseconds()))
      let warnings = statuses.flatMap { key in
        key.warnings.map { warning in
          Self.finding(
            role: key.role.name, key: key.identifier.text, isUrgent: warning.isUrgent,
            text: warning.text(for: key.role))
        }
      }
      return [Finding(.ok, .keys, "the keyring opens under key \(identifier)")] + warnings
    } catch KeyringError.sourceRefuses(let refusal) {
      // It names its own remedy.
      return [Finding(.error, .keys, refusal.explanation)]
    } catch {
      return [
        Finding(
          .error, .keys, CommandFailure(error).message,
          remedy: "put the key file in its place, mode 0600, owned by the user of the service")
      ]
    }
  }

  /// What is known of a keyring that custodians have to open.
  private func custodians(of store: Store) throws -> [Finding] {
    guard let set = try CustodianSet.read(in: store) else { return [] }
    return [
      Finding(
        .ok, .keys,
        "any \(set.threshold) of \(set.custodians.count) custodians open the keyring (key "
          + "\(set.keyIdentifier.text)); the service starts sealed")
    ]
  }

  private func keyWarnings(_ status: DocumentView) -> [Finding] {
    status.rows("key_warnings").map { warning in
      Self.finding(
        role: warning.text("role"), key: warning.text("key"),
        isUrgent: warning["urgent"]?.isTrue == true, text: warning.text("text"))
    }
  }

  private static func finding(
    role: String, key: String, isUrgent: Bool, text: String
  ) -> Finding {
    Finding(
      isUrgent ? .error : .warning, .keys, "the \(role) key \(key): \(text)",
      remedy: "see cadenas keys status")
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
