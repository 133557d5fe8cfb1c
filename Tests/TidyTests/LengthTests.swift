import Testing

/// Files and functions that fit in a head.
@Suite struct LengthTests {
  private static let longestFile = 500
  private static let longestFunction = 70

  private static let folders = ["Sources", "Tests"]

  @Test func noFileIsLongerThan500Lines() {
    for folder in Self.folders + ["deploy", "keys"] {
      let files = SourceTree.files(in: folder, endingWith: [".swift", ".c", ".h", ".sh", ".cnf"])
      for file in files {
        let count = file.lines.count
        #expect(count <= Self.longestFile, "\(file) has \(count) lines")
      }
    }
  }

  @Test func noFunctionIsLongerThan70Lines() {
    for folder in Self.folders {
      for file in SourceTree.swift(in: folder) {
        for function in SwiftScanner(file.text).functions()
        where function.length > Self.longestFunction {
          Issue.record("\(file): \(function)")
        }
      }
    }
  }

  @Test func theScannerFindsFunctionsAndSkipsRequirements() {
    let source = """
      protocol P { func required(_ a: Int = { 1 }()) -> Int }
      struct S {
        init() { self.init(x: "}") }
        /* func no() { } */
        func first(_ body: () -> Void) -> Int {
          let text = "\\(value { 1 }) {"
          return 1
        }
        deinit {}
      }
      """
    let functions = SwiftScanner(source).functions()
    #expect(functions.map(\.name) == ["init", "first", "deinit"])
    #expect(functions.map(\.length) == [1, 4, 1])
    #expect(functions.map(\.line) == [3, 5, 9])
  }
}
