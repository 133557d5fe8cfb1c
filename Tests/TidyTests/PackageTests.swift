import Foundation
import Testing

/// What the program says of the Swift packages inside it.
@Suite struct PackageTests {
  private static func text(of path: String) throws -> String {
    try String(contentsOf: SourceTree.root.appending(path: path), encoding: .utf8)
  }

  /// The package manager writes what it has resolved beside the manifest. Whoever takes a newer version has the
  /// program say so.
  @Test func theInventoryNamesTheVersionsThatAreBuilt() throws {
    let resolved = try Self.text(of: "Package.resolved")
    let named = try Self.text(of: "Sources/cadenas/Service/Build.swift")
    let pins = resolved.matches(
      of: #/"identity"\s*:\s*"([^"]+)".*?"version"\s*:\s*"([^"]+)"/#.dotMatchesNewlines())
    let packages = named.matches(of: #/\("([a-z-]+)", "([0-9.]+)", /#)
    #expect(packages.count >= 8)
    for package in packages {
      let pin = pins.first { $0.1 == package.1 }
      #expect(pin?.2 == package.2, "\(package.1) \(package.2)")
    }
  }
}
