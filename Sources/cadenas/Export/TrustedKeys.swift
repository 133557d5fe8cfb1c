import Administration
import AuditLog
import ConfigurationReading

/// Files that somebody brings along to verify something with.
enum EvidenceFile {
  /// - Parameter mostBytes: the largest file that is read, in bytes.
  static func read(_ path: String, mostBytes: Int = 4 << 20) throws(CommandFailure) -> [UInt8] {
    do throws(ConfigurationFileProblem) {
      return try ConfigurationFiles.read(path, maximumBytes: mostBytes)
    } catch { throw CommandFailure(.invalid, "\(path) \(error.text)") }
  }

  /// The checkpoint in a file; not verified by that.
  static func checkpoint(_ path: String) throws(CommandFailure) -> SignedCheckpoint {
    let bytes = try read(path)
    do throws(AuditError) { return try SignedCheckpoint(parsing: bytes) } catch {
      throw CommandFailure(.invalid, "\(path): \(AdministrationError.audit(error).detail)")
    }
  }
}

/// The keys that somebody trusts, and those that they lead to.
enum TrustedKeys {
  /// - Parameters:
  ///   - path: a file with verifier keys, one a line.
  ///   - successionPath: a file with notes of successions; where it is nil, those of the first file count.
  static func read(
    _ path: String, succession successionPath: String? = nil
  ) throws(CommandFailure) -> [VerifierKey] {
    let bytes = try EvidenceFile.read(path)
    let keys = VerifierKeyFile.keys(in: bytes)
    guard !keys.isEmpty else {
      throw CommandFailure(.invalid, "\(path) holds no verifier key")
    }
    guard let successionPath else { return try walk(from: keys, over: bytes, of: path) }
    return try walk(from: keys, over: try EvidenceFile.read(successionPath), of: successionPath)
  }

  /// `keys` and those that they lead to by the successions in `bytes`, the contents of a file.
  static func walk(
    from keys: [VerifierKey], over bytes: [UInt8], of path: String
  ) throws(CommandFailure) -> [VerifierKey] {
    do throws(AuditError) {
      let notes = try VerifierKeyFile.successions(in: bytes)
      var all: [VerifierKey] = []
      for key in keys {
        for key in try KeySuccession.walk(from: key, over: notes) where !all.contains(key) {
          all.append(key)
        }
      }
      return all
    } catch {
      throw CommandFailure(.refused, "\(path): \(AdministrationError.audit(error).detail)")
    }
  }
}
