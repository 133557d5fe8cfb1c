import Bytes
import Glibc
import Keyring
import RecordFormat

/// The folder into which a ceremony writes: `NAME.share` for each custodian, and `transcript.txt`.
///
/// Nothing that is there is replaced. Files are of mode 0600, and durable when they have been written.
struct CeremonyFiles {
  let directory: String

  /// The path of a custodian's share.
  func path(of custodian: CustodyName) -> String { "\(directory)/\(custodian.text).share" }

  var transcriptPath: String { "\(directory)/transcript.txt" }

  /// Makes the folder where it is not there, and looks whether everything can be written, before
  /// anybody has typed a passphrase.
  func prepare(for plan: CustodyPlan) throws(CommandFailure) {
    guard unsafe mkdir(directory, 0o700) == 0 || errno == EEXIST else {
      throw .system(directory)
    }
    guard unsafe access(directory, W_OK | X_OK) == 0 else { throw .system(directory) }
    for path in plan.custodians.map(path(of:)) + [transcriptPath] {
      var status = stat()
      guard unsafe lstat(path, &status) != 0 else {
        throw CommandFailure(.refused, "\(path) exists already, and is not overwritten")
      }
    }
  }

  /// Writes the shares and the transcript, makes them durable, and reads them back.
  ///
  /// After an error nothing of it is there.
  func write(_ shares: [CustodianShare], transcript: String) throws(CommandFailure) {
    var written: [String] = []
    do throws(CommandFailure) {
      for share in shares {
        let path = path(of: share.header.custodian)
        try Self.create(path, share.text, noting: &written)
      }
      try Self.create(transcriptPath, transcript, noting: &written)
      try NewFile.synchronize(directory: directory)
      for share in shares {
        let path = path(of: share.header.custodian)
        guard try Self.readShare(path) == share else {
          throw CommandFailure(.unavailable, "\(path) does not hold what was written to it")
        }
      }
    } catch {
      Self.remove(written)
      throw error
    }
  }

  /// Removes what a ceremony has written, whose key wraps nothing.
  func remove(_ shares: [CustodianShare]) {
    Self.remove(shares.map { path(of: $0.header.custodian) } + [transcriptPath])
  }

  /// Reads a share that was written or typed in again.
  static func readShare(_ path: String) throws(CommandFailure) -> CustodianShare {
    let text = try EvidenceFile.read(path, mostBytes: CustodianShare.mostTextBytes)
    do throws(KeyringError) {
      return try CustodianShare(parsing: text.rawSpan)
    } catch {
      throw CommandFailure(error)
    }
  }

  private static func create(
    _ path: String, _ text: String, noting written: inout [String]
  ) throws(CommandFailure) {
    var file = try NewFile(path, isPrivate: true)
    written.append(path)
    file.append(Array(text.utf8))
    try file.synchronize()
  }

  private static func remove(_ paths: [String]) {
    for path in paths { unsafe unlink(path) }
  }
}
