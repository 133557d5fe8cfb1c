/// What one connection to an acquirer may be used for: a pure state machine, which needs no network to
/// be tested.
///
/// One message at a time; and a connection is given to the next one only from `idle`, where nothing is
/// unread: the answer was whole, nothing came after it, and the round of reading that brought it is over.
struct ConnectionState {
  /// What happens to a connection.
  enum Event: Equatable {
    /// The handshake is complete, with the right name or another one.
    case handshakeCompleted(isNamed: Bool)
    /// A message is about to be written.
    case taken
    /// The whole answer is there.
    ///
    /// - Parameters:
    ///   - mayBeKept: by what its head says, and its outcome.
    ///   - endsExactly: whether no byte follows it.
    case answered(mayBeKept: Bool, endsExactly: Bool)
    /// A round of reading is over.
    case readCompleted
    /// Bytes came, encrypted ones too.
    case unexpectedBytes
    /// It failed, or is not to be used any more.
    case ended(ConnectionEnd)
    /// The other side closed it.
    case closedByPeer
  }

  /// What has to be done about it.
  enum Action: Equatable {
    case nothing
    /// It stands: whoever waits for it may have it.
    case opened
    /// It does not come to stand.
    case openingFailed
    /// It may serve the next message.
    case keep
    case close(ConnectionEnd)
  }

  private enum Phase {
    case opening
    case idle
    case busy
    /// The answer is whole; the round of reading is not over.
    case settling
    case closed
  }

  private var phase = Phase.opening

  /// Whether an answer is awaited.
  var isBusy: Bool { phase == .busy }
  /// Whether the next message may have it.
  var isIdle: Bool { phase == .idle }
  /// Whether it is not used any more.
  var isClosed: Bool { phase == .closed }

  /// Takes the next event.
  mutating func receive(_ event: Event) -> Action {
    switch (phase, event) {
    case (.closed, _): return .nothing
    case (.opening, .handshakeCompleted(let isNamed)):
      phase = isNamed ? .idle : .closed
      return isNamed ? .opened : .openingFailed
    case (.opening, .readCompleted): return .nothing
    case (.opening, _):
      phase = .closed
      return .openingFailed
    case (.idle, .taken):
      phase = .busy
      return .nothing
    case (.busy, .answered(let mayBeKept, let endsExactly)):
      guard endsExactly else { return close(mayBeKept ? .surplus : .asked) }
      guard mayBeKept else { return close(.asked) }
      phase = .settling
      return .nothing
    case (.settling, .readCompleted):
      phase = .idle
      return .keep
    case (_, .readCompleted), (_, .handshakeCompleted): return .nothing
    case (.busy, .closedByPeer): return close(.message)
    case (_, .closedByPeer): return close(.peer)
    case (_, .ended(let end)): return close(end)
    case (_, .unexpectedBytes), (_, .taken), (_, .answered): return close(.surplus)
    }
  }

  private mutating func close(_ end: ConnectionEnd) -> Action {
    phase = .closed
    return .close(end)
  }
}
