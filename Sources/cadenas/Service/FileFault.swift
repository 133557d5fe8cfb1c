import LMDB
import Logging
import ServiceLog

/// What is said last where a file of the store was cut off under the program, or its disk has failed: there
/// is nothing that could go on without the page.
enum FileFault {
  /// Bytes before the time in a line of the log: `{"time":"`.
  private static let bytesBeforeTime = 9

  /// Has it said from now on. To be called while there is one thread.
  ///
  /// - Parameter isService: whether it is a line of the log, or a sentence.
  static func begin(isService: Bool) {
    MapFaults.begin { path in
      let sentence = sentence(about: path)
      guard isService else { return MapFaults.Line(Array("cadenas: \(sentence)\n".utf8)) }
      let line = JSONLogHandler.line(
        .critical, "stopped, since a file could not be read", ["reason": .whole(sentence)])
      return MapFaults.Line(line, timeOffset: bytesBeforeTime)
    }
  }

  private static func sentence(about path: String) -> String {
    let remedy =
      switch path.split(separator: "/").last {
      case "cards.mdb": "restore a backup (cadenas store restore)"
      case "index.mdb": "it is built anew at the next start"
      default: "nothing was made of it; look at its disk"
      }
    return "\(path) was cut off while it was open, or its disk could not read it: \(remedy)"
  }
}
