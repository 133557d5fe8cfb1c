import NIOCore
import NIOPosix
import SystemCalls
import Tokenization

/// Why no connection came to stand, or why one ended.
struct ConnectionFailure {
  /// Whether the time was up before anybody answered.
  let isTimeout: Bool
  /// What the system said; nil where it said nothing.
  let systemError: SystemError?

  /// Reads what connecting failed with: the first address that the system has a word for, and
  /// else the name that has no address.
  init(connecting error: any Error) {
    guard let failure = error as? NIOConnectionError else {
      isTimeout = Self.isTimeout(error)
      systemError = SystemError(error)
      return
    }
    let errors = failure.connectionErrors.map(\.error)
    let isTimeout = errors.contains(where: Self.isTimeout)
    self.isTimeout = isTimeout
    if let found = errors.lazy.compactMap({ SystemError($0) }).first {
      systemError = found
    } else if errors.isEmpty, !isTimeout {
      // The resolver's own words and the name that it was asked for are not repeated.
      systemError = SystemError(number: nil, words: "name lookup failed")
    } else {
      systemError = nil
    }
  }

  private static func isTimeout(_ error: any Error) -> Bool {
    if case .connectTimeout? = error as? ChannelError { return true }
    return false
  }
}

extension SystemError {
  /// What the system said of a connection; nil for an error of another kind.
  init?(_ error: any Error) {
    guard let error = error as? IOError else { return nil }
    self.init(number: error.errnoCode, words: systemMessage(error.errnoCode))
  }
}
