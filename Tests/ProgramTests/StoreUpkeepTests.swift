import Glibc
import Synchronization
import SystemCalls
import TestNetwork
import Testing

@testable import cadenas_dev

extension EndToEnd {
  /// Backups, compaction and restoration as an operator does them, while clients ask, while the disk
  /// is full, and with a process that dies.
  @Suite(.stage { $0.replacing("16GiB", with: "1GiB") }) struct StoreUpkeepTests {
    private static let clients = 16
    /// Cards that make a copy take a while.
    private static let cards = 3_000

    @Test func underLoadNothingFailsAndABackupBecomesAStore() async throws {
      let stage = try Stage.current
      let load = Load()
      let backup = stage.directory + ".backup.mdb"
      defer { unsafe unlink(backup) }
      try await withThrowingTaskGroup(of: Void.self) { group in
        let start = TestCardNumbers.randomStart()
        for client in 0..<Self.clients {
          group.addTask { try await load.run(client, of: Self.clients, from: start) }
        }
        try await eventually("cards are stored") { load.tokens.withLock { $0.count } > 200 }
        for _ in 0..<3 { _ = try stage.cadenas("store", "compact") }
        let before = load.tokens.withLock { $0 }
        load.inBackup.withLock { $0 = before }
        let made = try stage.cadenas("store", "backup", "--to", backup, "--format", "json")
        #expect(made.hasPrefix("{\"intact\":true,\"records_verified\":true,"))
        for _ in 0..<3 { _ = try stage.cadenas("store", "compact") }
        load.isDone.store(true, ordering: .relaxed)
        try await group.waitForAll()
      }
      try await verify(load.tokens.withLock { $0 })
      try await stage.stop()
      #expect(unsafe rename("\(stage.directory)/store", "\(stage.directory).before") == 0)
      defer { _ = try? ChildProcess.run(["rm", "-rf", "\(stage.directory).before"]) }
      _ = try stage.cadenas("store", "restore", "--from", backup)
      try await stage.start()
      // Every card of before the backup has its token, and can still be had.
      try await verify(load.inBackup.withLock { $0 })
    }

    private func verify(_ tokens: [String: String]) async throws {
      let stage = try Stage.current
      let shop = try await stage.connect()
      let acquirer = try await stage.connect("acquirer")
      for (number, token) in tokens {
        let again = try await shop.ask(.tokenize(number))
        #expect(again.status == 200)
        #expect(again["token"] == token)
        let card = try await acquirer.ask(.pull(token))
        #expect(card["number"] == number)
      }
      await shop.close()
      await acquirer.close()
      _ = try stage.cadenas("audit", "verify")
      _ = try stage.cadenas("store", "verify")
    }
  }
}

extension EndToEnd.StoreUpkeepTests {
  /// Stores cards until a copy of them takes a while; the tokens of some.
  private func fill() async throws -> [String: String] {
    let load = Load(most: Self.cards / Self.clients)
    load.isDone.store(true, ordering: .relaxed)
    let start = TestCardNumbers.randomStart()
    try await withThrowingTaskGroup(of: Void.self) { group in
      for client in 0..<Self.clients {
        group.addTask { try await load.run(client, of: Self.clients, from: start) }
      }
      try await group.waitForAll()
    }
    return Dictionary(uniqueKeysWithValues: load.tokens.withLock { Array($0.prefix(200)) })
  }

  /// Whether there is a file whose path begins with `path`.
  private func isBegun(_ path: String) -> Bool {
    let name = path.split(separator: "/").last ?? ""
    let names = try? DevelopmentFiles.names(in: Directory.containing(path))
    return names?.contains { $0.hasPrefix(name) } == true
  }

  /// Runs `command` and ends the vault as a crash would, as soon as there is a file whose path begins with
  /// `draft`.
  private func kill(during command: [String], whenThereIs draft: String) async throws {
    let stage = try Stage.current
    let vault = try stage.running.vaultProcess
    let end = End()
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        // Whether it fails depends on how far it was.
        _ = try? stage.cadenas(command)
        end.isReached.store(true, ordering: .relaxed)
      }
      try await eventually("\(draft) is there") {
        for _ in 0..<1_000 where !isBegun(draft) { sched_yield() }
        return isBegun(draft) || end.isReached.load(ordering: .relaxed)
      }
      _ = Glibc.kill(vault, SIGKILL)
      try await group.waitForAll()
    }
    try await stage.kill()
  }

  @Test func aBackupThatACrashCutOffIsOnRecordAndInNobodysWay() async throws {
    let stage = try Stage.current
    let tokens = try await fill()
    let backup = stage.directory + ".cut.mdb"
    // Eight digits of its own follow.
    let draft = "\(backup)."
    defer { unsafe unlink(backup) }
    var list = ""
    // The copy may be quicker than the signal.
    for _ in 0..<50 where !list.contains("\"state\":\"unfinished\"") {
      unsafe unlink(backup)
      try await kill(during: ["store", "backup", "--to", backup], whenThereIs: draft)
      try await stage.start()
      list = try stage.cadenas("store", "backup", "list", "--format", "json")
    }
    #expect(list.contains("\"state\":\"unfinished\""))
    try await verify(tokens)
    unsafe unlink(backup)
    let made = try stage.cadenas("store", "backup", "--to", backup, "--format", "json")
    #expect(made.contains("\"state\":\"kept\""))
    #expect(!isBegun(draft))
  }

  @Test func aCompactionThatACrashCutOffLeavesTheStoreWhole() async throws {
    let stage = try Stage.current
    let tokens = try await fill()
    let draft = "\(stage.directory)/store/cards.mdb.compact"
    try await kill(during: ["store", "compact"], whenThereIs: draft)
    try await stage.start()
    #expect(!DevelopmentFiles.exists(draft))
    try await verify(tokens)
    _ = try stage.cadenas("store", "compact")
    try await verify(tokens)
  }

  /// Needs to be root: it mounts a small disk.
  @Test func aBackupThatDoesNotFitLeavesNothingAndTheServiceGoesOn() async throws {
    let stage = try Stage.current
    _ = try await fill()
    let disk = stage.directory + ".disk"
    try DevelopmentFiles.makeDirectory(disk)
    // The account may write there, as in every `/tmp`.
    try ChildProcess.run(["mount", "-t", "tmpfs", "-o", "size=512k,mode=1777", "tmpfs", disk])
    defer {
      _ = try? ChildProcess.run(["umount", disk])
      unsafe rmdir(disk)
    }
    let before = try stage.cadenas("store", "backup", "list", "--format", "json")
    let failure = #expect(throws: DevelopmentError.self) {
      try stage.cadenas("store", "backup", "--to", "\(disk)/b")
    }
    let told = "\(try #require(failure))"
    #expect(told.contains("ended with status 3"))
    #expect(told.contains("there is no room for the backup \(disk)/b; nothing was kept"))
    #expect(try DevelopmentFiles.names(in: disk).isEmpty)
    #expect(try stage.cadenas("store", "backup", "list", "--format", "json") == before)
    _ = try await stage.token(of: TestCard.visa)
    let log = try stage.cadenas("audit", "show", "--operation", "store.backup")
    #expect(log.contains("failed (id="))
  }
}

/// Whether a command has ended.
private final class End: Sendable {
  let isReached = Atomic(false)
}

/// Clients that store cards, and ask for known ones again.
private final class Load: Sendable {
  let tokens = Mutex<[String: String]>([:])
  let inBackup = Mutex<[String: String]>([:])
  let isDone = Atomic(false)
  private let most: Int

  /// - Parameter most: cards of each client at least.
  init(most: Int = 20) { self.most = most }

  func run(_ client: Int, of clients: Int, from start: Int) async throws {
    let wire = try await Stage.current.connect()
    var numbers = TestCardNumbers(first: start, offset: client, stride: clients)
    var digits = [UInt8](repeating: 0, count: TestCardNumbers.length)
    var known: [String] = []
    while !isDone.load(ordering: .relaxed) || known.count < most {
      numbers.next(into: &digits)
      let number = String(decoding: digits, as: UTF8.self)
      let answer = try await wire.ask(.tokenize(number))
      #expect([200, 201].contains(answer.status), "\(answer.body)")
      let token = try #require(answer["token"])
      tokens.withLock { $0[number] = token }
      let again = try await wire.ask(.tokenize(known.last ?? number))
      #expect(again.status == 200, "\(again.body)")
      known.append(number)
    }
    await wire.close()
  }
}
