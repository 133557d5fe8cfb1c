internal import AuditLog

/// What the entries of a period add up to. Memory stays bounded whatever the log holds: names past the
/// limits are counted together.
struct AuditStatistics {
  /// The most names that are told apart in one table.
  static let mostNames = 512
  /// What the names past the limit are counted under.
  static let otherNames = "(others)"
  private static let millisecondsOfDay: Int64 = 86_400_000
  private static let millisecondsOfHour: Int64 = 3_600_000
  private static let millisecondsOfMinute: Int64 = 60_000

  /// What clients do, told apart in the chart.
  enum Kind: Int, CaseIterable {
    case tokenized, detokenized, deleted, refused
  }

  /// How often each kind happened.
  struct Counts: Equatable {
    private var numbers = [UInt64](repeating: 0, count: Kind.allCases.count)

    subscript(kind: Kind) -> UInt64 {
      get { numbers[kind.rawValue] }
      set { numbers[kind.rawValue] = newValue }
    }

    var total: UInt64 { numbers.reduce(0, +) }
  }

  /// Payments and reads of one acquirer.
  struct AcquirerCounts: Equatable {
    var outcomes: [String: UInt64] = [:]
    var pulls: UInt64 = 0
  }

  private(set) var entries: UInt64 = 0
  private(set) var access = AccessCounts()
  private(set) var byOperation: [String: [String: UInt64]] = [:]
  private(set) var byDay: [Int64: Counts] = [:]
  private(set) var byMerchant: [String: Counts] = [:]
  private(set) var byAcquirer: [String: AcquirerCounts] = [:]
  private(set) var refusals: [String: UInt64] = [:]
  private(set) var keyEvents: [KeyEvent] = []
  private(set) var droppedKeyEvents: UInt64 = 0
  /// Detokenizations of each client by hour, for what is far above its norm.
  private(set) var clientHours: [String: [Int64: UInt64]] = [:]
  /// Refusals by minute, for bursts.
  private(set) var refusalMinutes: [Int64: UInt64] = [:]
  private(set) var alarms: [AlarmFact] = []
  private(set) var droppedAlarms: UInt64 = 0
  private var history = KeyHistory()

  /// The most events of keys that are listed.
  static let mostKeyEvents = 2_000
  /// The most alarms that are listed.
  static let mostAlarms = 500

  /// Takes an entry of before the period, which tells what keys are.
  mutating func passOver(_ logged: LoggedEntry) { _ = history.events(of: logged) }

  /// Takes an entry of the period.
  mutating func add(_ entry: LoggedEntry) {
    entries += 1
    access.add(entry)
    byOperation[entry.operationText, default: [:]][entry.outcomeText, default: 0] += 1
    let day = entry.timeMilliseconds.floored(to: Self.millisecondsOfDay)
    if let (kind, number) = Self.kind(of: entry) {
      byDay[day, default: Counts()][kind] += number
      let merchant = entry.merchant.map { Self.name($0, in: byMerchant.keys) }
      if let merchant { byMerchant[merchant, default: Counts()][kind] += number }
      note(kind, number, entry)
    }
    noteAcquirer(entry)
    noteCommand(entry)
    if let alarm = AlarmFact(entry) { note(alarm) }
    for event in history.events(of: entry) {
      guard keyEvents.count < Self.mostKeyEvents else {
        droppedKeyEvents += 1
        continue
      }
      keyEvents.append(event)
    }
  }

  private mutating func note(_ kind: Kind, _ number: UInt64, _ entry: LoggedEntry) {
    let time = entry.timeMilliseconds
    switch kind {
    case .refused:
      let cause = entry.operation == .refusals ? "past the limit of a minute" : entry.reason
      refusals[Self.name(cause ?? "-", in: refusals.keys), default: 0] += number
      refusalMinutes[time.floored(to: Self.millisecondsOfMinute), default: 0] += number
    case .detokenized:
      let client = Self.name(entry.actor, in: clientHours.keys)
      clientHours[client, default: [:]][
        time.floored(to: Self.millisecondsOfHour), default: 0] += number
    case .tokenized, .deleted: break
    }
  }

  /// Counts what users were refused; it is in no chart of clients.
  private mutating func noteCommand(_ entry: LoggedEntry) {
    guard entry.operation?.isArchived != true, entry.actor != AuditActor.system.name else {
      return
    }
    if entry.operation == .userRefusals {
      refusals["commands past the limit of a minute", default: 0] +=
        entry.reason.flatMap { UInt64($0) } ?? 1
    } else if entry.outcome == .refused {
      let cause = entry.reasons["cause"].map(String.init) ?? entry.reason
      refusals[Self.name("command: " + (cause ?? "-"), in: refusals.keys), default: 0] += 1
    }
  }

  private mutating func note(_ alarm: AlarmFact) {
    guard alarms.count < Self.mostAlarms else {
      droppedAlarms += 1
      return
    }
    alarms.append(alarm)
  }

  private mutating func noteAcquirer(_ entry: LoggedEntry) {
    guard entry.operation == .detokenize, let acquirer = entry.acquirer else { return }
    // What the vault itself refused went to nobody: only a refusal of the acquirer's has a payment.
    guard entry.outcome != .refused || entry.paymentIdentifier != nil else { return }
    let name = Self.name(acquirer, in: byAcquirer.keys)
    if entry.outcome == .released {
      byAcquirer[name, default: AcquirerCounts()].pulls += 1
    } else if entry.outcome != .intent, entry.outcome != .replayed {
      byAcquirer[name, default: AcquirerCounts()].outcomes[entry.outcomeText, default: 0] += 1
    }
  }

  /// What an entry is in the chart, and how many times; nil for what no client asked for, and for an answer
  /// that was given again.
  private static func kind(of entry: LoggedEntry) -> (Kind, UInt64)? {
    if entry.operation == .refusals { return (.refused, entry.reason.flatMap { UInt64($0) } ?? 1) }
    if entry.usesCard { return (.detokenized, 1) }
    switch (entry.operation, entry.outcome) {
    // A refusal of the acquirer's has a payment, and used the card.
    case (.tokenize, .refused), (.detokenize, .refused), (.delete, .refused), (.request, .refused):
      return (.refused, 1)
    case (.tokenize, .created), (.tokenize, .existing), (.tokenize, .updated):
      return (.tokenized, 1)
    case (.delete, .deleted): return (.deleted, 1)
    default: return nil
    }
  }

  private static func name(
    _ name: String, in known: some Collection<String>
  ) -> String {
    known.contains(name) || known.count < mostNames ? name : otherNames
  }
}

// MARK: - What is unusual

extension AuditStatistics {
  /// Something that somebody should look at.
  struct Pattern: Equatable {
    let timeMilliseconds: Int64
    let what: String
  }

  /// Detokenizations in an hour from which on they are looked at, and how many times the client's
  /// median hour they have to be.
  private static let leastDetokenizations: UInt64 = 20
  private static let timesMedian: UInt64 = 5
  /// Refusals in a minute that are a burst.
  private static let burst: UInt64 = 30
  /// The most that are listed.
  private static let mostPatterns = 50

  /// Hours in which a client detokenized far more than in its median hour, and minutes full of
  /// refusals; the newest of them, in the order of time.
  var patterns: [Pattern] {
    var found: [Pattern] = []
    for (client, hours) in clientHours {
      let sorted = hours.values.sorted()
      let median = max(1, sorted[sorted.count / 2])
      for (hour, number) in hours
      where number >= Self.leastDetokenizations && number >= median * Self.timesMedian
        && sorted.count > 1
      {
        found.append(
          Pattern(
            timeMilliseconds: hour,
            what: "\(number) detokenizations of \(client) in an hour; its median hour has \(median)"
          ))
      }
    }
    for (minute, number) in refusalMinutes where number >= Self.burst {
      found.append(Pattern(timeMilliseconds: minute, what: "\(number) refusals in a minute"))
    }
    return Array(
      found.sorted { ($0.timeMilliseconds, $0.what) < ($1.timeMilliseconds, $1.what) }
        .suffix(Self.mostPatterns))
  }
}

extension LoggedEntry {
  /// Whether it says that a card left the vault, or may have: a read, or a payment whose outcome is that of
  /// one that was sent. An intent is none yet, and one that was not sent never was.
  var usesCard: Bool {
    guard operation == .detokenize else { return false }
    switch outcome {
    case .released: return true
    case .intent, .notSent, .replayed: return false
    default: return paymentIdentifier != nil
    }
  }
}

extension Int64 {
  /// The largest multiple of `step` that is not larger.
  fileprivate func floored(to step: Int64) -> Int64 {
    let rest = self % step
    return self - (rest < 0 ? rest + step : rest)
  }
}
