import Glibc
import NIOCore
import SystemCalls

/// Why nothing can listen at an address, in words.
enum ListenFailure {
  /// The system's reason, and what helps where that is known.
  static func words(for error: any Error) -> String {
    if let error = error as? SystemFailure { return systemMessage(error.errno) }
    guard let error = error as? IOError else {
      if case .unknown? = error as? SocketAddressError { return "there is no host of this name" }
      return "\(error)"
    }
    let reason = systemMessage(error.errnoCode)
    switch error.errnoCode {
    case EADDRINUSE:
      return reason + "; another program listens there: stop it, or change \"listen\""
    case EADDRNOTAVAIL: return reason + "; \"listen\" names no address of this host"
    case EACCES: return reason + "; ports below 1024 need CAP_NET_BIND_SERVICE"
    default: return reason
    }
  }
}
