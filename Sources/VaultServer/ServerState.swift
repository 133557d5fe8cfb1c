import Synchronization

/// What a reload replaces, and what says that the server stops. Read by every loop.
final class ServerState: Sendable {
  private struct Current {
    var trust: TrustSnapshot
    var tls: ServerTLS
  }

  private let current: Mutex<Current>
  private let newestGeneration: Atomic<UInt64>
  private let stopping = Atomic(false)

  init(trust: TrustSnapshot, tls: ServerTLS) {
    current = Mutex(Current(trust: trust, tls: tls))
    newestGeneration = Atomic(trust.generation)
  }

  /// The generation of ``trust``: one load, for each request to ask whether it has moved on.
  var generation: UInt64 { newestGeneration.load(ordering: .acquiring) }

  /// Whom the server trusts now.
  var trust: TrustSnapshot { current.withLock { $0.trust } }

  /// The certificate and trust of new handshakes.
  var tls: ServerTLS { current.withLock { $0.tls } }

  /// Whether no new request is to be taken.
  var isStopping: Bool { stopping.load(ordering: .acquiring) }

  /// Puts other trust in force, for new connections and open ones.
  func replace(trust: TrustSnapshot, tls: ServerTLS) {
    current.withLock { current in
      current = Current(trust: trust, tls: tls)
      newestGeneration.store(trust.generation, ordering: .releasing)
    }
  }

  /// Says that the server stops; there is no way back.
  func beginStopping() { stopping.store(true, ordering: .releasing) }
}
