import AccessPolicy

extension ConfigurationLoader {
  /// Reads the merchants. Those with a mistake are left out.
  ///
  /// - Parameter limits: those of the same file, since what a merchant is shown depends on one of them.
  func merchants(
    _ reader: MappingReader, acquirerNames: [String], _ limits: Limits
  ) -> [Merchant] {
    guard let section = reader.mapping("merchants") else { return [] }
    var merchants: [Merchant] = []
    var nameByNumber: [UInt32: String] = [:]
    for member in section.named where isName(member, of: "a merchant") {
      guard let one = MappingReader(member.tree, name: section.path(member.key), diagnostics)
      else { continue }
      let number = merchantNumber(one)
      if let number {
        if let other = nameByNumber[number] {
          diagnostics.report(
            "merchant number \(number) belongs to \(quoted(other)) already",
            at: one.position(of: "number"))
        }
        nameByNumber[number] = member.key
      }
      let merchant = merchant(
        one, name: member.key, number: number, acquirerNames, limits)
      one.finish()
      if let merchant { merchants.append(merchant) }
    }
    return merchants
  }

  private func merchant(
    _ reader: MappingReader, name: String, number: UInt32?, _ acquirerNames: [String],
    _ limits: Limits
  ) -> Merchant? {
    let before = diagnostics.count
    let operations = reader.requiredTree("operations") == nil ? [] : self.operations(reader)
    let identity = identity(reader, of: .merchant(name: name, operations: operations))
    let acquirers = merchantAcquirers(reader, acquirerNames)
    let quotas = quotas(reader, [.tokenize, .detokenize, .delete])
    let deduplicate = reader.boolean("deduplicate") ?? true
    let binDigits = binDigits(reader, isDeduplicated: deduplicate, limits)
    if operations.contains(.tokenize), quotas.quotas.tokenizePerMinute == nil,
      !quotas.isMistaken(.tokenize)
    {
      diagnostics.report(
        "\(quoted(reader.path("quotas.tokenize_per_minute"))) is missing",
        at: reader.position(of: "quotas"),
        suggestion: "who may tokenize can test guesses of card numbers, so it needs a bound")
    }
    guard let number, let identity, diagnostics.count == before else { return nil }
    return Merchant(
      name: name, number: number, clients: identity.clients, authority: identity.authority,
      operations: operations, acquirers: acquirers, quotas: quotas.quotas,
      deduplicate: deduplicate, binDigits: binDigits)
  }

  /// How many first digits the views of a merchant's tokens show.
  ///
  /// Eight and the last four leave a thousand numbers to guess, so that whoever can test guesses may test
  /// one in an hour at most.
  private func binDigits(
    _ reader: MappingReader, isDeduplicated: Bool, _ limits: Limits
  ) -> Int {
    guard let tree = reader.tree("bin_digits") else { return 6 }
    guard let digits = tree.integer, digits == 6 || digits == 8 else {
      diagnostics.report(
        "\(quoted(reader.path("bin_digits"))) expects 6 or 8, found \(tree.kind)", at: tree.position
      )
      return 6
    }
    // Without deduplication an idempotency key still tells whether a number is the first one again.
    if digits == 8, !limits.allowsEightDigits(isDeduplicated: isDeduplicated) {
      diagnostics.report(
        "\(quoted(reader.path("bin_digits"))) is 8 for a merchant that "
          + (isDeduplicated ? "deduplicates" : "does not deduplicate") + ", and "
          + "limits.same_digits_per_hour is \(limits.sameDigitsPerHour)", at: tree.position,
        suggestion: "eight digits and the last four leave 1000 numbers to guess: set "
          + "limits.same_digits_per_hour to 1"
          + (isDeduplicated ? ", or deduplicate: false for this merchant" : ""))
    }
    return digits
  }

  private func merchantNumber(_ reader: MappingReader) -> UInt32? {
    guard reader.requiredTree("number") != nil else { return nil }
    return reader.integer("number", in: 1...Int(UInt32.max)).map { UInt32($0) }
  }

  /// The operations of the list `operations`, which is there.
  func operations(_ reader: MappingReader) -> Set<Operation> {
    guard let words = reader.strings("operations") else { return [] }
    var operations: Set<Operation> = []
    for (word, position) in words {
      if let operation = Operation(rawValue: word) {
        operations.insert(operation)
      } else {
        reportUnknown(
          word, as: "operation", among: Operation.allCases.map(\.rawValue), at: position)
      }
    }
    return operations
  }

  private func merchantAcquirers(
    _ reader: MappingReader, _ acquirerNames: [String]
  ) -> [String: MerchantAcquirer] {
    guard let section = reader.mapping("acquirers") else { return [:] }
    var acquirers: [String: MerchantAcquirer] = [:]
    for member in section.named {
      if !acquirerNames.contains(member.key) {
        reportUnknown(member.key, as: "acquirer", among: acquirerNames, at: member.position)
      }
      guard !member.tree.isNull else {
        acquirers[member.key] = MerchantAcquirer()
        continue
      }
      guard let one = MappingReader(member.tree, name: section.path(member.key), diagnostics)
      else { continue }
      acquirers[member.key] = merchantAcquirer(one)
      one.finish()
    }
    return acquirers
  }

  private func merchantAcquirer(_ reader: MappingReader) -> MerchantAcquirer {
    var constants: [String: String] = [:]
    if let section = reader.mapping("constants") {
      for member in section.named {
        constants[member.key] = section.string(member.tree, section.path(member.key))
      }
    }
    var basic: BasicCredentials?
    if let section = reader.mapping("basic") {
      let user = section.requiredString("user")
      if let user, user.contains(":") || user.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) {
        diagnostics.report(
          "\(quoted(section.path("user"))) cannot hold a colon or control characters",
          at: section.position(of: "user"))
      }
      let password = requiredFile(section, "password_file", isPrivate: true)
      section.finish()
      if let user, let password { basic = BasicCredentials(user: user, passwordFile: password) }
    }
    let bearer = file(reader, "bearer_file", isPrivate: true)
    if reader.has("basic"), reader.has("bearer_file") {
      diagnostics.report(
        "\(quoted(reader.name)) has both \"basic\" and \"bearer_file\"",
        at: reader.position(of: "bearer_file"), suggestion: "remove one of them")
    }
    return MerchantAcquirer(constants: constants, basic: basic, bearerFile: bearer)
  }
}
