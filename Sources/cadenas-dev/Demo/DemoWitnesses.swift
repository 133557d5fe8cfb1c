import Cards

/// The end of the story: what each side saw.
extension DemoStory {
  /// Nothing of a card but what a receipt shows.
  mutating func tellWhatTheShopSaw() throws(DevelopmentError) {
    narrator.chapter("What the shop saw")
    let search = DiskSearch(numbers: DemoCard.all.map(\.number))
    let bytes = seenByShop.reduce(0) { $0 + $1.count }
    let found = seenByShop.reduce(0) { $0 + search.count(in: $1) }
    narrator.tell("\(seenByShop.count) answers, \(bytes) bytes. The first, whole:")
    for line in Self.wrapped(String(decoding: seenByShop[0], as: UTF8.self)) {
      narrator.remark(line)
    }
    try prove(found == 0, "no card number in any of them")
  }

  /// The simulator's own log, which knows cards by a keyed digest.
  mutating func tellWhatTheAcquirerSaw() throws(DevelopmentError) {
    narrator.chapter("What the acquirer saw")
    let (count, identifiers) = try stage.received()
    let log = try DevelopmentFiles.readText("\(stage.directory)/logs/acquirer.log")
    for line in log.split(separator: "\n") where line.hasPrefix("pay_") {
      let parts = line.split(separator: " ", maxSplits: 1)
      narrator.row([("…\(parts[0].suffix(8))", 11)], String(parts.last ?? ""))
    }
    try prove(
      count == paid.count && Set(identifiers).count == count,
      "\(count) messages, each payment once; equal digests are equal cards")
  }

  /// One record, and a search of everything.
  mutating func tellWhatLiesOnDisk() throws(DevelopmentError) {
    narrator.chapter("What lies on disk")
    let store = "\(stage.directory)/store/cards.mdb"
    guard let token = Token(tokens[0]) else { throw .unexpected("not a token: \(tokens[0])") }
    let key = token.bytes
    let name = key.indices.map { key[$0] }
    // Who reads has the vault commit to cards.mdb what stands in the journal only.
    _ = try stage.cadenas("status")
    let place = try DiskSearch([name]).firstRecord(in: store)
    narrator.tell(
      "the first card's record: token (16 bytes), version (1), key id (4), merchant (4),")
    narrator.tell("nonce (24), then the card, sealed with AES-256-GCM")
    for line in Hexdump.lines(place.bytes, from: place.offset) { narrator.remark(line) }
    Terminal.say()

    let numbers = DemoCard.all.map(\.number)
    let result = try DiskSearch(numbers: numbers).search(below: stage.directory)
    let forms = DiskSearch.Form.allCases.map(\.rawValue).joined(separator: ", ")
    narrator.tell(
      "\(result.files) files, \(result.bytes) bytes: store, index, logs, keys, all of it")
    narrator.tell("\(numbers.count) card numbers as \(forms)")
    try prove(
      result.hits.isEmpty,
      result.hits.isEmpty ? "none of them is there" : "found: \(result.hits[0])")
  }

  /// The log, and that nothing in it was changed.
  mutating func tellWhatTheAuditorSees() throws(DevelopmentError) {
    narrator.chapter("What the auditor sees")
    let shown = try stage.cadenas("audit", "show", "--limit", "10", "--format", "json")
    for line in shown.split(separator: "\n") { try tellEntry(JSONMembers(Array(line.utf8))) }
    Terminal.say()
    let entries = try stage.cadenas("audit", "show", "--limit", "1000", "--format", "json")
      .split(separator: "\n").map { line throws(DevelopmentError) in
        try JSONMembers(Array(line.utf8))
      }
    let outcomes = entries.filter { $0["operation"] == "detokenize" && $0["outcome"] != "replayed" }
    let isWhole = payments.allSatisfy { payment in
      let own = outcomes.filter { $0["payment_id"] == payment }.map { $0["outcome"] }
      return own.count == 2 && own.contains("intent")
    }
    try prove(
      isWhole, "each of \(payments.count) messages has its intent and one outcome in the log")
    let verified = try stage.cadenas("audit", "verify")
    for line in verified.split(separator: "\n") { narrator.tell(String(line)) }
    try prove(true, "the log was recomputed whole and nothing in it was changed")
  }

  private func tellEntry(_ entry: JSONMembers) {
    let time = (entry["time"] ?? "").split(separator: "T").last?.prefix(8) ?? ""
    let actor = (entry["actor"] ?? "").replacing("spiffe://", with: "")
    let outcome = [entry["outcome"], entry["reason"]].compactMap { $0 }.joined(separator: ", ")
    let token = entry["token"].map { "…\($0.suffix(6))" } ?? ""
    narrator.row(
      [
        (entry["seq"] ?? "", 4), (String(time), 10), (actor, 38), (entry["operation"] ?? "", 12),
        (token, 9),
      ], outcome)
  }

  /// `text` in lines of at most 90 characters, cut after commas.
  private static func wrapped(_ text: String) -> [String] {
    var lines = [""]
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      if lines[lines.count - 1].count + part.count > 90 { lines.append("") }
      lines[lines.count - 1] += part + ","
    }
    lines[lines.count - 1].removeLast()
    return lines
  }
}
