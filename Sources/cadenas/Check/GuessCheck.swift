import AccessPolicy
import ConfigurationReading

/// Says how long a merchant's client would have to guess at the number behind a token that it knows.
struct GuessCheck {
  /// Numbers of 16 digits that fit a token's view: six of them unknown, or four where it shows a BIN of eight
  /// digits; one of these a check digit.
  private static func candidates(binDigits: Int) -> Int { binDigits == 8 ? 1_000 : 100_000 }
  /// What is short enough for a warning: a month.
  private static let shortHours = 720.0

  let configuration: ServiceConfiguration

  /// Below this many pairs, somebody with a quota of the size of a shop's can push one out.
  private static let enoughPairs = 65_536

  func run() -> [Finding] {
    merchants + fewPairs
  }

  private var fewPairs: [Finding] {
    let limits = configuration.limits
    guard limits.sameDigitsPerHour > 0, limits.sameDigitsPairs < Self.enoughPairs else { return [] }
    return [
      Finding(
        .warning, .configuration,
        "limits.same_digits_pairs is \(limits.sameDigitsPairs): as many new cards between two guesses "
          + "make the vault forget the first",
        remedy: "leave it out (default 1048576); the memory is taken as cards come")
    ]
  }

  private var merchants: [Finding] {
    configuration.merchants.compactMap { merchant in
      guard merchant.deduplicate, merchant.operations.contains(.tokenize),
        let perMinute = merchant.quotas.tokenizePerMinute
      else { return nil }
      return finding(
        merchant.name, perMinute: perMinute,
        candidates: Self.candidates(binDigits: merchant.binDigits))
    }
  }

  private func finding(_ merchant: String, perMinute: Int, candidates: Int) -> Finding {
    let perHour = configuration.limits.sameDigitsPerHour
    let byQuota = Double(perMinute) * 60
    let isBounded = perHour > 0 && Double(perHour) < byQuota
    let hours = Double(candidates) / (isBounded ? Double(perHour) : byQuota)
    let bound =
      isBounded
      ? "\(perHour) an hour, limits.same_digits_per_hour"
      : "\(perMinute) a minute, quotas.tokenize_per_minute"
    let text =
      "a client of \(merchant) that knows a token's BIN and last four digits could try the "
      + "\(candidates) numbers that fit in \(Self.time(hours)) (\(bound))"
    guard hours < Self.shortHours else { return Finding(.ok, .configuration, text) }
    return Finding(
      .warning, .configuration, text,
      remedy: perHour == 0
        ? "set limits.same_digits_per_hour (default 10), or deduplicate: false for this merchant"
        : "lower limits.same_digits_per_hour (default 10), or deduplicate: false for this merchant")
  }

  private static func time(_ hours: Double) -> String {
    switch hours {
    case ..<2: "\(Int((hours * 60).rounded())) minutes"
    case ..<48: "\(Int(hours.rounded())) hours"
    default: "\(Int((hours / 24).rounded())) days"
    }
  }
}
