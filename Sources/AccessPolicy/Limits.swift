/// Every limit of the service that an operator may move, with its default and its bounds. A part that
/// works without a configuration too has defaults of its own (`WriterLimits`, `GatewayLimits`), and what
/// nobody may move stands with its part (`AdminServer.Limits`).
package struct Limits: Equatable, Sendable {
  /// The bytes of a request's body, but for detokenize.
  package var bodyBytes = 4_096
  /// The bytes of the body of a detokenize, which has more to hand on.
  package var detokenizeBodyBytes = 16_384
  /// The bytes of a request's line and headers together.
  package var headerBytes = 8_192
  /// The bytes of an acquirer's answer.
  package var acquirerAnswerBytes = 65_536
  /// Open connections from clients.
  package var connections = 4_096
  /// Open connections whose client no policy knows, yet or at all: TLS handshakes, for the most part.
  /// While others wait, one address has a quarter of them at most.
  package var handshakes = 512
  /// Open connections of one client.
  package var connectionsByClient = 1_024
  /// Open connections of one merchant, or of one acquirer: of all its clients together.
  package var connectionsByMerchant = 2_048
  /// Requests that wait for the writer.
  package var writerQueue = 4_096
  /// Requests that share one commit.
  package var batch = 512
  /// Seconds until a TLS handshake has to be complete.
  package var handshakeSeconds = 5
  /// Seconds until a request's headers have to be complete, from their first byte.
  package var headerSeconds = 10
  /// Seconds until a request's body has to be complete, from the end of its headers.
  package var bodySeconds = 10
  /// Seconds that a connection may stay without a request.
  package var idleSeconds = 60
  /// Messages to acquirers that are under way.
  package var acquirerMessages = 1_024
  /// Seconds until a connection to an acquirer has to stand, its TLS handshake included.
  package var acquirerConnectSeconds = 5
  /// Idle connections that are kept to one acquirer; 0 opens one for each message.
  package var acquirerConnectionsKept = 64
  /// Seconds from its opening until a connection to an acquirer is not used again.
  package var acquirerConnectionSeconds = 600
  /// Seconds that a connection to an acquirer may stay without a message, but for warm ones.
  package var acquirerConnectionIdleSeconds = 30
  /// Connections to one acquirer that are opened before they are needed, and kept open.
  package var acquirerConnectionsWarm = 2
  /// Seconds until an acquirer's answer has to be complete, from the moment of sending.
  package var acquirerAnswerSeconds = 30
  /// Different card numbers with the same first and last digits that may be new to a merchant within
  /// sixty minutes; 0 counts none.
  package var sameDigitsPerHour = 10
  /// Pairs of first and last digits that are counted, over all merchants.
  package var sameDigitsPairs = 1_048_576
  /// Seconds that a stop waits for what was accepted.
  package var drainSeconds = 30
  /// Refusals of one client or user that a minute stores one by one; the others become one counted entry.
  package var refusalsStoredPerMinute = 60

  /// Makes the defaults.
  package init() {}

  /// How many card numbers and security codes may be in flight at once, each in a slot of secret memory:
  ///
  /// - two of each connection, while its request is read or its answer is written,
  /// - one of each request that waits for the writer or that it is writing: the number of a new card, or the
  ///   code of a payment; it may outlive its connection,
  /// - two of each message to an acquirer, number and code, until the acquirer has answered: it outlives
  ///   its connection for certain where the client does not wait.
  package var secretSlots: Int { 2 * connections + writerQueue + batch + 2 * acquirerMessages }
  /// The bytes of a slot: a card number or a security code.
  package static let secretSlotBytes = 32

  /// Whether a merchant may be shown eight first digits and the last four, which leave a thousand numbers to
  /// guess: one guess in an hour where cards are deduplicated, and some bound where they are not, since an
  /// idempotency key tells a number that it was given with.
  package func allowsEightDigits(isDeduplicated: Bool) -> Bool {
    isDeduplicated ? sameDigitsPerHour == 1 : sameDigitsPerHour > 0
  }

  /// How many of so many messages one acquirer may hold.
  package static func acquirerShare(ofMessages count: Int) -> Int { max(1, count / 2) }

  /// How many of so many messages one merchant may hold.
  package static func merchantShare(ofMessages count: Int) -> Int { max(1, count * 3 / 4) }
}

extension Limits {
  /// What is known about one limit.
  package struct Entry: Sendable {
    /// The name, in the configuration and in what `cadenas check` prints.
    package let name: String
    /// The unit of the value.
    package let unit: String
    /// Where it acts, and what happens past it.
    package let effect: String
    /// The values that an operator may choose.
    package let bounds: ClosedRange<Int>
    private let property: any WritableKeyPath<Limits, Int> & Sendable

    fileprivate init(
      _ name: String, _ unit: String, _ bounds: ClosedRange<Int>,
      _ property: any WritableKeyPath<Limits, Int> & Sendable, _ effect: String
    ) {
      self.name = name
      self.unit = unit
      self.bounds = bounds
      self.effect = effect
      self.property = property
    }

    /// The value that `limits` gives it.
    package func value(in limits: Limits) -> Int { limits[keyPath: property] }

    /// Gives it a value.
    /// - Precondition: `value` lies in ``bounds``.
    package func assign(_ value: Int, in limits: inout Limits) {
      precondition(bounds.contains(value), "the limit \(name) is out of its bounds")
      limits[keyPath: property] = value
    }
  }

  /// Every limit, in the order in which a request meets them.
  package static let entries: [Entry] = [
    Entry("connections", "connections", 1...65_536, \.connections, "accept: closed, counted"),
    Entry(
      "handshakes", "connections", 1...65_536, \.handshakes,
      "clients not known yet: the oldest is closed, counted; one address: a quarter"),
    Entry(
      "connections_by_client", "connections", 1...65_536, \.connectionsByClient,
      "of one client: the newest is closed, counted"),
    Entry(
      "connections_by_merchant", "connections", 1...65_536, \.connectionsByMerchant,
      "of one merchant or acquirer: the newest is closed, counted"),
    Entry("handshake_seconds", "s", 1...60, \.handshakeSeconds, "TLS handshake: closed, counted"),
    Entry("header_bytes", "bytes", 1_024...65_536, \.headerBytes, "request head: 431"),
    Entry("header_seconds", "s", 1...60, \.headerSeconds, "request head: closed, counted"),
    Entry("body_bytes", "bytes", 1_024...65_536, \.bodyBytes, "request body: 413"),
    Entry(
      "detokenize_body_bytes", "bytes", 1_024...65_536, \.detokenizeBodyBytes,
      "body of a detokenize: 413"),
    Entry("body_seconds", "s", 1...60, \.bodySeconds, "request body: closed, counted"),
    Entry("idle_seconds", "s", 1...3_600, \.idleSeconds, "between requests: closed"),
    Entry(
      "same_digits_per_hour", "numbers", 0...1_000, \.sameDigitsPerHour,
      "new cards that share BIN and last four: 429; 0 counts none"),
    Entry(
      "same_digits_pairs", "pairs", 1...16_777_216, \.sameDigitsPairs,
      "digits that are counted: the pair with the fewest cards is forgotten"),
    Entry("writer_queue", "requests", 1...65_536, \.writerQueue, "before the writer: 503"),
    Entry("batch", "requests", 1...4_096, \.batch, "one commit: the rest waits for the next"),
    Entry(
      "acquirer_messages", "messages", 1...16_384, \.acquirerMessages,
      "messages to acquirers, half to one of them, three quarters of one merchant: 503"),
    Entry(
      "acquirer_connect_seconds", "s", 1...60, \.acquirerConnectSeconds,
      "connection to an acquirer: not sent, 502"),
    Entry(
      "acquirer_connections_kept", "connections", 0...4_096, \.acquirerConnectionsKept,
      "idle ones to one acquirer: the next is closed; 0 keeps none"),
    Entry(
      "acquirer_connection_seconds", "s", 1...86_400, \.acquirerConnectionSeconds,
      "age of a connection to an acquirer: closed when idle"),
    Entry(
      "acquirer_connection_idle_seconds", "s", 1...3_600, \.acquirerConnectionIdleSeconds,
      "between messages to an acquirer: closed, but for warm ones"),
    Entry(
      "acquirer_connections_warm", "connections", 0...64, \.acquirerConnectionsWarm,
      "to one acquirer, opened ahead; never more than are kept"),
    Entry(
      "acquirer_answer_bytes", "bytes", 1_024...1_048_576, \.acquirerAnswerBytes,
      "acquirer's answer: 504"),
    Entry(
      "acquirer_answer_seconds", "s", 1...120, \.acquirerAnswerSeconds, "acquirer's answer: 504"),
    Entry(
      "refusals_stored_per_minute", "entries", 1...6_000, \.refusalsStoredPerMinute,
      "one client's or user's refusals: counted in one entry"),
    Entry("drain_seconds", "s", 1...600, \.drainSeconds, "stop: what is left is cut off"),
  ]
}
