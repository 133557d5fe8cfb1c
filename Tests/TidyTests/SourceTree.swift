import Foundation

/// The repository as text.
struct SourceTree {
  /// One file.
  struct File: Sendable, CustomStringConvertible {
    /// Its path from the repository's root.
    let path: String
    /// What it says.
    let text: String

    var lines: [Substring] { text.split(separator: "\n", omittingEmptySubsequences: false) }
    var description: String { path }

    /// The folder below `Sources` or `Tests`: the target's name.
    var target: String { path.split(separator: "/").dropFirst().first.map(String.init) ?? "" }
  }

  /// The repository's root, found from where this file was compiled.
  static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  /// All text files below `folder`; what is not UTF-8 is data, not text.
  static func files(in folder: String, endingWith endings: [String] = []) -> [File] {
    let start = root.appending(path: folder)
    guard let walk = FileManager.default.enumerator(at: start, includingPropertiesForKeys: nil)
    else { return [] }
    var files: [File] = []
    for case let url as URL in walk {
      let path = String(url.path.dropFirst(root.path.count).drop(while: { $0 == "/" }))
      guard endings.isEmpty || endings.contains(where: { path.hasSuffix($0) }),
        let text = try? String(contentsOf: url, encoding: .utf8)
      else { continue }
      files.append(File(path: path, text: text))
    }
    return files.sorted { $0.path < $1.path }
  }

  /// The Swift files of `folder`.
  static func swift(in folder: String) -> [File] {
    files(in: folder, endingWith: [".swift"])
  }
}
