import Administration
import AuditLog
import CardStore
import ConfigurationReading
import Glibc
import Keyring
import RecordFormat
import Storage
import SystemCalls
import VaultCore

/// Looks at the store and its keys: through the running service, or by opening them.
struct StoreCheckup {
  /// How much of the room for new cards may be used, in percent, before it deserves a warning.
  private static let warningPercent = 80
  /// How little room the disk may have, in bytes, before it deserves a warning.
  private static let warningDiskBytes: UInt64 = 1 << 30

  let configuration: ServiceConfiguration
  private var source: any KeyEncryptionKeySource { configuration.keys.source }

  /// What was found, and whether a service runs.
  func run() -> (findings: [Finding], isRunning: Bool) {
    do {
      let document = try AdminClient(path: configuration.administration.socketPath).status()
      return (
        [running, state(document), room(document)] + StoreHealth(document).findings
          + keyWarnings(document) + custody(document) + disk, true
      )
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

  /// What a service would not start for: it writes where this only reads.
  private var writable: [Finding] {
    let path = configuration.store.path
    guard Directory.isOnReadOnlyDisk(path) else { return [] }
    return [
      Finding(
        .error, .store, "the disk of \(path) is mounted read-only: the service cannot run on it",
        remedy: "find out why (a disk with errors is mounted so by the system), and mount it for "
          + "writing with: mount -o remount,rw")
    ]
  }

  private var offline: [Finding] {
    do {
      try Session.checkOwner(of: configuration.store.path)
      OfflineNotes(of: configuration.store.path).add(.check)
      let store = try Store.open(of: configuration, options: Store.Options(isReadOnly: true))
      let figures = RoomFigures(cards: try store.room(), index: nil)
      let room = figures.cards
      let left = Room(
        usedPercent: room.usedPercent, availableBytes: room.availableBytes,
        availableCards: room.availableCards, refused: figures.refused,
        lacks: ["cards.mdb lacks \(room.lackingBytes) bytes of \(room.limit.rawValue)"])
      return writable + [finding(left)] + development(store) + keys(store)
    } catch StorageError.notInitialized(let directory, let remains) {
      let start =
        "cadenas init" + (source.isHeldByCustodians ? " --ceremony PLAN --shares DIR" : "")
      guard !remains.isEmpty else {
        return [
          Finding(.error, .store, "there is no store in \(directory)", remedy: "run: \(start)")
        ]
      }
      return [
        Finding(
          .error, .store,
          "there is no store in \(directory), and something of one is there: "
            + remains.joined(separator: ", "),
          remedy: "find out where cards.mdb has gone and put it back, or restore a backup with: "
            + "cadenas store restore. Where there never was one: \(start)")
      ]
    } catch let error as StorageError where error.tellsOfDamage {
      return [
        Finding(
          .error, .store, CommandFailure(error).message,
          remedy: "look at the disk, and restore a backup with: cadenas store restore")
      ]
    } catch {
      return [
        Finding(
          .error, .store, CommandFailure(error).message,
          remedy: "run this as the user of the service, and see the store's documentation")
      ]
    }
  }

  /// What is left for new cards, as the service or the store itself tells it.
  private struct Room {
    var usedPercent: Int
    var availableBytes: Int
    var availableCards: Int
    /// What is refused for want of room; nil where nothing is.
    var refused: String?
    /// Which file lacks how much of what then.
    var lacks: [String]
  }

  private func room(_ status: DocumentView) -> Finding {
    func figure(_ name: String) -> Int { Int(status[name]?.integer ?? 0) }
    let lacks = status.rows("lacks_room").map { lack in
      "\(lack.text("file")) lacks \(lack.size("bytes"))"
        + (lack["limit"]?.text == "-" ? "" : " of \(lack.text("limit"))")
    }
    return finding(
      Room(
        usedPercent: figure("store_used_percent"), availableBytes: figure("store_available_bytes"),
        availableCards: figure("store_available_cards"),
        refused: status["accepts_new_cards"]?.isTrue == false ? status.text("refused") : nil,
        lacks: lacks))
  }

  private func finding(_ room: Room) -> Finding {
    if let refused = room.refused {
      return Finding(
        .error, .store,
        "\(refused) is refused (507), since there is no room: "
          + room.lacks.joined(separator: ", "),
        remedy: "make store.map_size larger and restart the service, or make room on the disk")
    }
    let text =
      "\(room.usedPercent) % of the room for new cards is used; about \(room.availableCards) more fit "
      + "(\(room.availableBytes >> 20) MiB)"
    guard room.usedPercent >= Self.warningPercent else { return Finding(.ok, .store, text) }
    return Finding(
      .warning, .store, text,
      remedy: "make store.map_size larger and restart the service, or make room on the disk")
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
    let rules = try store.read { try CustodyRules.read(of: set.keyIdentifier, in: $0) }
    return [
      Finding(
        .ok, .keys,
        "any \(set.threshold) of \(set.custodians.count) custodians open the keyring (key "
          + "\(set.keyIdentifier.text)); the service starts sealed")
    ] + accounts(areDistinct: rules.distinctAccounts)
  }

  private func custody(_ status: DocumentView) -> [Finding] {
    guard let distinct = status["custody"]?["distinct_accounts"] else { return [] }
    return accounts(areDistinct: distinct.isTrue)
  }

  /// What the ceremony has laid down for the accounts that shares come from, where that is not what the
  /// configuration says.
  private func accounts(areDistinct: Bool) -> [Finding] {
    guard !areDistinct || !configuration.distinctAccounts else { return [] }
    let next = "hold the next ceremony: cadenas keys ceremony replace"
    guard areDistinct else {
      return [
        Finding(
          .warning, .keys,
          "one account may give several custodians' shares: the ceremony of this vault asked for no others",
          remedy: configuration.distinctAccounts
            ? next : "set \"keys: {distinct_accounts: true}\", and \(next)")
      ]
    }
    return [
      Finding(
        .warning, .keys,
        "keys.distinct_accounts is false, and the shares of this vault come from different accounts all the "
          + "same, as its ceremony has laid down; the next one would let one account give several",
        remedy: "set \"keys: {distinct_accounts: true}\"")
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
        remedy: "make room: on a full disk every request but a deletion is refused (507)")
    ]
  }
}

extension AdminClient {
  /// How the running service is, as far as it tells this user.
  func status() throws -> DocumentView {
    do {
      return try document(ShowOwnStatus())
    } catch Failure.problem(404, _, _) {
      // One of before this command, which still runs.
      return try document(ShowStatus())
    }
  }

  private func document(_ operation: any AdminOperation) throws -> DocumentView {
    var status: [UInt8] = []
    try run(operation) { part in
      if case .document(let document) = part { status = document }
    }
    return try DocumentView(status)
  }
}
