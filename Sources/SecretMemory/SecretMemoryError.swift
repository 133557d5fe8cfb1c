/// Why the system refused memory for secrets.
package enum SecretMemoryError: Error, Equatable {
  /// The system could not allocate or lock `bytes` bytes.
  ///
  /// The remedy is a higher memory-lock limit: `LimitMEMLOCK=` in the systemd unit, `ulimit -l` in
  /// a shell. Linux allows 8 MiB by default, and each secret takes a whole page of it.
  case lockLimit(bytes: Int)

  /// libsodium could not be initialized: the system gives it no random bytes.
  case libraryUnavailable
}
