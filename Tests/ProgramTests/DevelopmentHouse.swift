import ConfigurationReading

@testable import cadenas
@testable import cadenas_dev

/// A development installation in which nothing runs: what is made of a configuration and its files.
final class DevelopmentHouse {
  let directory: String

  init(_ directory: String) throws {
    self.directory = directory
    try DevelopmentPKI.make(in: "\(directory)/pki")
    try DevelopmentFiles.makeDirectory("\(directory)/acquirers")
    try DevelopmentFiles.write(PackageResources.simulator_yaml, to: template)
    try write(Self.fresh)
  }

  /// The configuration of a new one.
  static var fresh: String {
    String(decoding: PackageResources.development_yaml, as: UTF8.self)
      .replacing("USER", with: "ann")
  }

  var template: String { "\(directory)/acquirers/simulator.yaml" }

  func write(_ text: String) throws {
    try DevelopmentFiles.write(Array(text.utf8), to: "\(directory)/cadenas.yaml")
  }

  func configuration() throws -> ServiceConfiguration {
    try ServiceConfiguration.load(path: "\(directory)/cadenas.yaml")
  }

  func parts() throws -> ServiceParts { try ServiceParts(configuration(), generation: 1) }

  /// Lets the template say what the configuration has said of the connection.
  func moveConnectionIntoTemplate() throws {
    guard let start = Self.fresh.firstRange(of: "      tls:\n        ca: pki/acquirer-ca.pem")
    else {
      throw Stage.Failed("the configuration has another form")
    }
    let tls = Self.fresh[start.lowerBound...]
    try write(String(Self.fresh[..<start.lowerBound]))
    let moved = tls.split(separator: "\n").map { $0.dropFirst(6) }.joined(separator: "\n")
      .replacing(": pki/", with: ": ../pki/")
    try DevelopmentFiles.write(
      Array((try DevelopmentFiles.readText(template) + "\n" + moved + "\n").utf8), to: template)
  }
}
