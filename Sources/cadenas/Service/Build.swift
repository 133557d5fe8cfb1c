import Administration
import Bytes
import CBuild
import Cryptography
import Glibc

/// The version of the programs.
enum Version {
  static let current = "0.1.0"

  /// The commit that this program was built from, with a `+` where files had changed since; nil where the
  /// build was not told.
  static let commit: String? = {
    let text = unsafe String(cString: cadenas_commit())
    return text.isEmpty ? nil : text
  }()

  /// Version and commit, for people and for evidence.
  static let full = current + (commit.map { " (\($0))" } ?? "")
}

/// What runs, as a file: for comparison with what was installed.
enum ProgramFile {
  /// The SHA-256 of the running program in hexadecimal; nil where it cannot be read. Read once, on the thread
  /// that asks first.
  static let sha256 = FileDigest.sha256(of: "/proc/self/exe")
}

/// Digests of whole files.
enum FileDigest {
  private static let chunkBytes = 1 << 20

  /// The SHA-256 of the file `path` in hexadecimal; nil, with `errno`, where it cannot be read.
  static func sha256(of path: String) -> String? {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var hasher = SHA256Hasher()
    var buffer = [UInt8](repeating: 0, count: chunkBytes)
    while true {
      let count = unsafe buffer.withUnsafeMutableBytes {
        unsafe read(descriptor, $0.baseAddress, $0.count)
      }
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { return nil }
      if count == 0 { return hasher.finish().hex }
      hasher.update(buffer.rawSpan.extracting(0..<count))
    }
  }
}

/// The Swift packages that are in the program. A test compares it with what the build has resolved.
enum SwiftPackages {
  static let all: [(name: String, version: String, purpose: String)] = [
    ("swift-argument-parser", "1.8.2", "the command line"),
    ("swift-atomics", "1.3.0", "used by swift-nio"),
    ("swift-collections", "1.6.0", "used by swift-nio"),
    ("swift-log", "1.16.2", "the service's log"),
    ("swift-nio", "2.101.2", "sockets and HTTP"),
    ("swift-nio-ssl", "2.37.6", "TLS; has BoringSSL inside"),
    ("swift-system", "1.8.1", "used by swift-nio"),
    ("yams", "6.2.2", "reads the configuration"),
  ]
  /// The revision of BoringSSL that swift-nio-ssl has inside, as its file `hash.txt` says.
  static let boringSSL = "8eb25be6fa18d475291122887a7bccd3762ff236"
}

extension ServiceStatus.Build {
  /// The words of the entry about a start.
  var words: String {
    "version=\(Version.current)" + (commit.map { " commit=\($0)" } ?? "")
      + (programSHA256.map { " program=\($0)" } ?? "")
  }
}
