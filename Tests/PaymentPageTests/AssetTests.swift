import Foundation
import Testing

/// The files that are sent compressed are the ones that are there to read.
@Suite struct AssetTests {
  @Test(arguments: ["page.css", "page.js"]) func theCompressedOneIsTheSame(_ name: String) throws {
    let folder = "Sources/PaymentPage/Resources"
    let gzip = Process()
    gzip.executableURL = URL(filePath: "/bin/gzip")
    gzip.arguments = ["-dc", "\(folder)/\(name).gz"]
    let output = Pipe()
    gzip.standardOutput = output
    try gzip.run()
    let bytes = try output.fileHandleForReading.readToEnd()
    gzip.waitUntilExit()
    #expect(try bytes == Data(contentsOf: URL(filePath: "\(folder)/\(name)")))
  }
}
