import Bytes
import CLMDB
import CMapFault
import Glibc
import Synchronization

/// What is said when a page of a file cannot be read while it is mapped: the file was cut off, or its disk
/// has failed. Without it the process ends by `SIGBUS`, and nobody hears why.
package enum MapFaults {
  /// The last line of a process.
  package struct Line: Sendable {
    let bytes: [UInt8]
    let timeOffset: Int?

    /// - Parameters:
    ///   - bytes: the line with its end, at most 2,048 bytes.
    ///   - timeOffset: where in it the time is written when it is said, 20 bytes like `2026-01-31T12:00:00Z`.
    package init(_ bytes: [UInt8], timeOffset: Int? = nil) {
      self.bytes = bytes
      self.timeOffset = timeOffset
    }
  }

  private static let compose = Mutex<(@Sendable (_ path: String) -> Line)?>(nil)

  /// From now on, a page that cannot be read ends the process with a line on standard error and exit status
  /// 3, for each environment that is opened after this. Any other `SIGBUS` ends it as before.
  ///
  /// To be called while there is one thread. A thread must not block `SIGBUS`.
  /// - Parameter line: makes the line for the file at a path, ahead of time.
  package static func begin(_ line: @escaping @Sendable (_ path: String) -> Line) {
    compose.withLock { $0 = line }
    cadenas_map_faults_begin()
  }

  /// Watches the map of the file at `path`; returns its place, nil where nobody wants to hear of it.
  fileprivate static func watch(_ map: UnsafeRawBufferPointer, of path: String) -> Int32? {
    compose.withLock { compose in
      guard let line = compose?(path) else { return nil }
      let place = unsafe line.bytes.withUnsafeBytes { bytes in
        unsafe cadenas_map_fault_watch(
          map.baseAddress, map.count, bytes.baseAddress, bytes.count, line.timeOffset ?? -1)
      }
      return place < 0 ? nil : place
    }
  }
}

/// The place of an environment's map among those that are watched.
final class MapWatch: Sendable {
  private enum State {
    case unknown
    case known(place: Int32?)
  }

  private let state = Mutex(State.unknown)

  deinit {
    if case .known(let place?) = state.withLock({ $0 }) { cadenas_map_fault_forget(place) }
  }

  /// Whether nobody has tried yet.
  var isDue: Bool { state.withLock { if case .unknown = $0 { true } else { false } } }

  /// Watches the map, unless that was tried before. It is found by `page`, which lies in it: the page says
  /// at its beginning which one it is.
  func begin(of path: String, mapBytes: Int, pageSize: Int, at page: UnsafeRawPointer) {
    state.withLock { state in
      guard case .unknown = state else { return }
      let number = unsafe page.load(as: UInt.self)
      let start = unsafe page - Int(number) * pageSize
      let map = unsafe UnsafeRawBufferPointer(start: start, count: mapBytes)
      state = .known(place: unsafe MapFaults.watch(map, of: path))
    }
  }
}

extension Environment {
  /// Watches the map, as ``MapFaults`` says; `name` is that of a database, whose description lies in it.
  func watchMap(bySeeing name: String) throws(LMDBError) {
    // Where pages are larger than the system's, they may begin anywhere.
    guard mapWatch.isDue, pageSize <= Int(getpagesize()) else { return }
    let transaction = try beginRead()
    let handle = unsafe try transaction.handle.pointer()
    let name = Array(name.utf8)
    var description = unsafe MDB_val()
    let status = unsafe name.rawSpan.withMutableValue { name in
      unsafe mdb_get(handle, TreeGuard.namesIdentifier, &name, &description)
    }
    try LMDBError.check(status, in: .inspect)
    guard let address = unsafe description.mv_data else { return }
    let page = unsafe UnsafeRawPointer(
      bitPattern: UInt(bitPattern: address) & ~UInt(pageSize - 1))
    guard let page = unsafe page else { return }
    unsafe mapWatch.begin(
      of: path, mapBytes: try information().mapSize, pageSize: pageSize, at: page)
  }
}
