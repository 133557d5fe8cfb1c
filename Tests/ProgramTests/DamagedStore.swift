import Glibc
import TestNetwork
import TestSupport
import Testing

@testable import cadenas_dev

/// What is done to a file.
enum Damage: CustomStringConvertible {
  case bit(String, Int, Int)
  case fill(String, Int, UInt8)
  case noise(String, Int, UInt64)
  case swap(String, Int, Int)
  case cut(String, Int)

  /// As they were in the campaign that this was made after: of seven, five are single bits; of five, four
  /// happen to `cards.mdb` or, of a store that was killed, now and then to its journal.
  static func random(of store: DamagedStore, using random: inout SeededGenerator) -> Damage {
    let file =
      switch Int.random(in: 0..<10, using: &random) {
      case 0, 1: "index.mdb"
      case 2 where store.isKilled: "cards.journal"
      default: "cards.mdb"
      }
    let pages = store.bytes(of: file).count / 4_096
    let page = Int.random(in: 0..<pages, using: &random)
    switch Int.random(in: 0..<14, using: &random) {
    case 0: return .fill(file, page, 0)
    case 1: return .noise(file, page, random.next())
    case 2: return .swap(file, page, Int.random(in: 0..<pages, using: &random))
    case 3: return .cut(file, Int.random(in: 0..<pages * 4_096, using: &random))
    default:
      return .bit(
        file, page * 4_096 + Int.random(in: 0..<4_096, using: &random),
        Int.random(in: 0..<8, using: &random))
    }
  }

  var file: String {
    switch self {
    case .bit(let file, _, _), .fill(let file, _, _), .noise(let file, _, _), .swap(let file, _, _),
      .cut(let file, _):
      file
    }
  }

  var kind: String {
    let name =
      switch self {
      case .bit: "bit"
      case .fill: "zeros"
      case .noise: "noise"
      case .swap: "swap"
      case .cut: "cut"
      }
    return "\(name) \(file)"
  }

  var description: String {
    switch self {
    case .bit(_, let byte, let bit): "\(kind) page \(byte / 4_096) byte \(byte % 4_096) bit \(bit)"
    case .fill(_, let page, _), .noise(_, let page, _): "\(kind) page \(page)"
    case .swap(_, let first, let second): "\(kind) pages \(first) \(second)"
    case .cut(_, let bytes): "\(kind) at \(bytes)"
    }
  }

  func apply(to bytes: inout [UInt8]) {
    func range(_ page: Int) -> Range<Int> { page * 4_096..<(page + 1) * 4_096 }
    switch self {
    case .bit(_, let byte, let bit): bytes[byte] ^= 1 << UInt8(bit)
    case .fill(_, let page, let value):
      bytes.replaceSubrange(range(page), with: repeatElement(value, count: 4_096))
    case .noise(_, let page, let seed):
      var random = SeededGenerator(seed: seed)
      for index in range(page) { bytes[index] = .random(in: 0...255, using: &random) }
    case .swap(_, let first, let second):
      let kept = Array(bytes[range(first)])
      bytes.replaceSubrange(range(first), with: Array(bytes[range(second)]))
      bytes.replaceSubrange(range(second), with: kept)
    case .cut(_, let count): bytes.removeLast(bytes.count - count)
    }
  }
}

/// A store that was filled, and is damaged and asked again and again.
final class DamagedStore {
  struct Card: Sendable {
    let number: String
    let token: String
    var isDeleted = false
  }

  /// What a damaged store has answered.
  struct Answers {
    var wrong: [String] = []
    var refused = 0
    var isStartRefused = false
    var isAsBefore: Bool { wrong.isEmpty && refused == 0 && !isStartRefused }
  }

  private static let clients = 8

  let cards: [Card]
  let isKilled: Bool
  private var files: [String] { ["cards.mdb", "index.mdb"] + (isKilled ? ["cards.journal"] : []) }
  private let stage: Stage
  private let payments: [(request: WireRequest, answer: String)]
  private var images: [String: [UInt8]] = [:]

  /// Fills the store of `stage`, stops or kills it, and keeps its files.
  init(_ stage: Stage, cards count: Int, isKilled: Bool = false) async throws {
    self.stage = stage
    self.isKilled = isKilled
    let start = TestCardNumbers.randomStart()
    cards = try await withThrowingTaskGroup(of: [Card].self) { group in
      for client in 0..<Self.clients {
        group.addTask {
          var numbers = TestCardNumbers(first: start, offset: client, stride: Self.clients)
          let shop = try await stage.connect()
          var cards: [Card] = []
          for index in 0..<count / Self.clients {
            var digits = [UInt8](repeating: 0, count: TestCardNumbers.length)
            numbers.next(into: &digits)
            let number = String(decoding: digits, as: UTF8.self)
            let answer = try await shop.ask(.tokenize(number))
            var card = Card(number: number, token: try #require(answer["token"]))
            if index % 20 == 19 {
              #expect(try await shop.ask(.delete(card.token)).status == 204)
              card.isDeleted = true
            }
            cards.append(card)
          }
          await shop.close()
          return cards
        }
      }
      return try await group.reduce(into: []) { $0 += $1 }
    }
    let shop = try await stage.connect()
    var payments: [(WireRequest, String)] = []
    for card in cards where !card.isDeleted && payments.count < 60 {
      let request = WireRequest.push(card.token, amount: 4_990, key: "damage-\(card.token)")
      let answer = try await shop.ask(request)
      #expect(answer.status == 200)
      payments.append((request, answer.body))
    }
    self.payments = payments
    await shop.close()
    if isKilled { try await stage.kill() } else { try await stage.stop() }
    for file in files { images[file] = try fileBytes(of: "\(stage.directory)/store/\(file)") }
  }

  func bytes(of file: String) -> [UInt8] { images[file] ?? [] }

  /// Puts the files back as they were, but for `damage`.
  func restore(_ damage: Damage?) throws {
    let directory = "\(stage.directory)/store"
    for name in ["cards.mdb-lock", "index.mdb-lock", "index.mdb.set-aside"] {
      unsafe unlink("\(directory)/\(name)")
    }
    for file in files {
      var bytes = bytes(of: file)
      if damage?.file == file { damage?.apply(to: &bytes) }
      try Account.write(bytes, to: "\(directory)/\(file)")
    }
  }

  func overwrite(_ file: String, page: Int, with bytes: [UInt8]) throws {
    let descriptor = unsafe open("\(stage.directory)/store/\(file)", O_WRONLY)
    defer { close(descriptor) }
    let count = unsafe bytes.withUnsafeBytes {
      unsafe pwrite(descriptor, $0.baseAddress, $0.count, off_t(page * 4_096))
    }
    try #require(count == bytes.count)
  }

  /// What `store verify` and `audit verify` find in the store at rest: nothing, or who found something.
  func verify() throws -> [String] {
    try [["store", "verify"], ["audit", "verify"]].compactMap { command in
      do {
        _ = try stage.cadenas(command)
        return nil
      } catch DevelopmentError.toolFailed(_, let status, let output) {
        let isExit = ["1", "3"].contains {
          status == "\(cadenas_dev.ExitStatus.exited(Int32($0) ?? 0))"
        }
        #expect(isExit, "\(command) \(status): \(output)")
        return "\(command[0]): \(output)"
      }
    }
  }

  /// Starts the vault, asks for each `step`th card and every payment, and kills it.
  func ask(every step: Int) async throws -> Answers {
    var answers = Answers()
    do { try await stage.start() } catch let failure as DevelopmentError {
      let log = stage.logs()
      #expect("\(failure)".contains("status 3 before it answered"), "\(failure) \(log.suffix(500))")
      answers.isStartRefused = true
      return answers
    }
    let asked = cards.indices.filter { $0 % step == 0 }
    try await withThrowingTaskGroup(of: Answers.self) { group in
      for client in 0..<Self.clients {
        let own = asked.filter { $0 / step % Self.clients == client }.map { cards[$0] }
        group.addTask { [stage] in try await Self.ask(own, on: stage) }
      }
      for try await part in group {
        answers.wrong += part.wrong
        answers.refused += part.refused
      }
    }
    let shop = try await stage.connect()
    for payment in payments {
      let replayed = try await shop.ask(payment.request)
      if replayed.status >= 500 {
        answers.refused += 1
      } else if replayed.status != 200 || replayed.body != payment.answer {
        answers.wrong.append("replay \(replayed.status) \(replayed.body)")
      }
    }
    await shop.close()
    try await stage.kill()
    return answers
  }

  private static func ask(_ cards: [Card], on stage: Stage) async throws -> Answers {
    var answers = Answers()
    let shop = try await stage.connect()
    let acquirer = try await stage.connect("acquirer")
    for card in cards {
      let pulled = try await acquirer.ask(.pull(card.token))
      if pulled.status >= 500 {
        answers.refused += 1
      } else if card.isDeleted ? pulled.status != 404 : pulled["number"] != card.number {
        answers.wrong.append("pull \(card.token) \(pulled.status)")
      }
      guard !card.isDeleted else { continue }
      var again = try await shop.ask(.tokenize(card.number))
      // An index that is built anew is there in a moment.
      for _ in 0..<200 where again.status == 503 {
        try await pause(milliseconds: 20)
        again = try await shop.ask(.tokenize(card.number))
      }
      if again.status >= 500 {
        answers.refused += 1
      } else if again.status != 200 || again["token"] != card.token {
        answers.wrong.append("tokenize \(card.token) \(again.status)")
      }
    }
    await shop.close()
    await acquirer.close()
    return answers
  }
}

/// The pages of a table, as an intact LMDB file has them.
struct StoreFile {
  private let bytes: [UInt8]

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  func leaves(of table: String) -> (root: Int, leaves: [Int]) {
    let header = word(4_096 + 144) > word(144) ? 4_096 : 0
    let names = word(header + 128) * 4_096
    let node = nodes(names).first { node in
      let key = bytes[node + 8..<node + 8 + half(node + 6)]
      return String(decoding: key, as: UTF8.self) == table
    }
    guard let node else { return (0, []) }
    let root = word(node + 8 + half(node + 6) + 40)
    // A table that is empty has none.
    return root < bytes.count / 4_096 ? (root, leaves(below: root)) : (0, [])
  }

  private func leaves(below page: Int) -> [Int] {
    guard bytes[page * 4_096 + 10] == 1 else { return [page] }
    return nodes(page * 4_096).flatMap { leaves(below: word($0) & 0xFFFF_FFFF_FFFF) }
  }

  private func nodes(_ page: Int) -> [Int] {
    stride(from: 16, to: half(page + 12), by: 2).map { page + half(page + $0) }
  }

  private func half(_ offset: Int) -> Int { Int(bytes[offset]) | Int(bytes[offset + 1]) << 8 }

  private func word(_ offset: Int) -> Int {
    (0..<8).reversed().reduce(0) { $0 << 8 | Int(bytes[offset + $1]) } & .max
  }
}

/// What the damages came to, by kind.
struct DamageTable {
  private struct Row {
    var count = 0
    var found = 0
    var startsRefused = 0
    var withRefusals = 0
    var wrong = 0
  }

  private var rows: [String: Row] = [:]

  mutating func add(_ kind: String, found: Bool, _ answers: DamagedStore.Answers) {
    rows[kind, default: Row()].count += 1
    if found { rows[kind, default: Row()].found += 1 }
    if answers.isStartRefused { rows[kind, default: Row()].startsRefused += 1 }
    if answers.refused > 0 { rows[kind, default: Row()].withRefusals += 1 }
    if !answers.wrong.isEmpty { rows[kind, default: Row()].wrong += 1 }
  }

  var text: String {
    rows.sorted { $0.key < $1.key }.map { kind, row in
      "damage \(kind): \(row.count), found \(row.found), start refused \(row.startsRefused), "
        + "answers refused in \(row.withRefusals), wrong in \(row.wrong)"
    }.joined(separator: "\n")
  }
}
