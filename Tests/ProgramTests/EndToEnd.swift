import Testing

/// The programs as their users meet them: processes, real TLS, a real store, the simulator as
/// acquirer. One suite after the other, since each has an installation of its own.
@Suite(.serialized) enum EndToEnd {}
