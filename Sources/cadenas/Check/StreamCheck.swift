import ConfigurationReading
import Glibc
import SystemCalls

/// Looks for the socket that entries of the audit log are to be sent to.
struct StreamCheck {
  let configuration: ServiceConfiguration

  /// Nothing where no entry goes anywhere.
  func run() -> [Finding] {
    guard let stream = configuration.audit.stream else { return [] }
    let path = configuration.audit.streamPath
    var status = stat()
    guard unsafe stat(path, &status) == 0 else {
      return [
        Finding(
          .warning, .host,
          "entries of the audit log do not reach the \(stream.rawValue): \(path): \(systemMessage(errno))",
          remedy: "start what listens there, or name its socket as audit.stream_socket")
      ]
    }
    guard status.st_mode & S_IFMT == S_IFSOCK else {
      return [
        Finding(
          .error, .host, "\(path), to which entries of the audit log are sent, is no socket",
          remedy: "name the socket of what listens as audit.stream_socket")
      ]
    }
    return [Finding(.ok, .host, "entries of the audit log are sent to \(path) as they are written")]
  }
}
