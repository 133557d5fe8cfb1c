import CScrub
import Configuration
import Glibc
import NIOPosix
import Synchronization

/// Gives memory back to the system that the heap keeps after a flood of connections, or after work that
/// needed much.
///
/// glibc gives back by itself only what lies at the end of one of its heaps, and there is one for every
/// few threads. What lies between is looked for here, in seldom passes of some milliseconds.
final class MemoryReturn: Sendable {
  /// How much more than it has in use the heap may keep, in bytes.
  private static let mostKeptBytes = 32 << 20
  /// Calls of ``tick()`` between two looks.
  private static let ticks = 5
  private static let pageBytes = Int(sysconf(Int32(_SC_PAGESIZE)))

  private struct State {
    var ticks = 0
    var isBusy = false
    /// What could not be given back the last time, since it lies in pages that are in use.
    var remainder = 0
  }

  private let state = Mutex(State())

  /// Looks whether something is to be given back, where that is due; call it about once a second. Waits
  /// for nothing.
  func tick() {
    let isDue = state.withLock { state in
      state.ticks += 1
      guard !state.isBusy, state.ticks >= Self.ticks else { return false }
      state.ticks = 0
      state.isBusy = true
      return true
    }
    guard isDue else { return }
    NIOThreadPool.singleton.submit { [self] _ in
      let remainder = Self.give(beyond: state.withLock { $0.remainder })
      state.withLock { state in
        state.remainder = remainder
        state.isBusy = false
      }
    }
  }

  /// Gives back what there is, where the heap keeps much more than `remainder`.
  ///
  /// - Returns: what it keeps afterwards.
  private static func give(beyond remainder: Int) -> Int {
    // Where there is little in all, the heap need not be asked, which takes its locks.
    guard residentBytes > mostKeptBytes else { return 0 }
    let kept = keptBytes
    guard kept > remainder + mostKeptBytes else { return min(kept, remainder) }
    cadenas_return_memory()
    return keptBytes
  }

  private static var keptBytes: Int { max(0, residentBytes - Int(cadenas_heap_bytes_in_use())) }

  /// The bytes of the process in memory that belong to no file.
  private static var residentBytes: Int {
    guard let bytes = try? ConfigurationFiles.read("/proc/self/statm", maximumBytes: 256) else {
      return 0
    }
    let pages = bytes.split(separator: UInt8(ascii: " ")).map {
      Int(String(decoding: $0, as: UTF8.self)) ?? 0
    }
    return pages.count > 2 ? (pages[1] - pages[2]) * pageBytes : 0
  }
}
