import CScrub
import ConfigurationReading
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
    var last = Pass()
  }

  /// What the heap was like after the last pass.
  private struct Pass {
    /// What could not be given back, since it lay in pages that were in use.
    var remainder = 0
    /// What was in use then: with much less, those pages may be free.
    var inUse = 0
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
      let pass = Self.give(after: state.withLock { $0.last })
      state.withLock { state in
        state.last = pass
        state.isBusy = false
      }
    }
  }

  /// Gives back what there is, where the heap keeps much more than the last time, or much less of it is in
  /// use since a flood has ended.
  private static func give(after last: Pass) -> Pass {
    // Where there is little in all, the heap need not be asked, which takes its locks.
    guard residentBytes > mostKeptBytes else { return Pass() }
    let now = heap
    guard
      now.remainder > last.remainder + mostKeptBytes
        || now.inUse + mostKeptBytes / 2 < last.inUse && now.remainder > mostKeptBytes / 2
    else { return Pass(remainder: min(now.remainder, last.remainder), inUse: last.inUse) }
    cadenas_return_memory()
    return heap
  }

  private static var heap: Pass {
    let inUse = Int(cadenas_heap_bytes_in_use())
    return Pass(remainder: max(0, residentBytes - inUse), inUse: inUse)
  }

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
