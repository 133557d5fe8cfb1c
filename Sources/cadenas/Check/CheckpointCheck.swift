import ConfigurationReading
import Glibc
import SystemCalls

/// Looks whether the file is there in which checkpoints of the log are kept.
struct CheckpointCheck {
  let configuration: ServiceConfiguration
  let isRunning: Bool

  /// Nothing where the configuration names none, which is a caution of its own, and before there is a store.
  func run() -> [Finding] {
    guard let path = configuration.audit.checkpointPath,
      Initialization.exists(configuration.store.path)
    else { return [] }
    var status = stat()
    guard unsafe stat(path, &status) == 0 else {
      let reason = errno
      guard reason == ENOENT else {
        return [
          .unseen(
            .store,
            "whether checkpoints are kept in \(path) was not seen (\(systemMessage(reason)))",
            remedy: "run this as a user who may look there")
        ]
      }
      return [
        Finding(
          isRunning ? .error : .warning, .store,
          "the checkpoint's file \(path) is not there: a store that is put back to an earlier state would "
            + "start as if nothing had happened",
          remedy:
            "find out who took it away, and why the service does not write it: its log says so")
      ]
    }
    return [Finding(.ok, .store, "checkpoints of the log are kept in \(path)")]
  }
}
