import ConfigurationReading
import Glibc
import TestSupport
import Testing
import Tokenization

@testable import AcquirerGateway

/// Headers whose value is a secret of its own file.
@Suite struct SecretHeaderTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func compile(
    _ secret: String?, mode: mode_t = 0o600
  ) throws -> (template: AcquirerTemplate?, mistakes: [String]) {
    if let secret {
      let path = try directory.write(secret, to: "api.key")
      try #require(unsafe chmod(path, mode) == 0)
    }
    let text = """
      operations:
        authorize:
          path: /pay
          headers: {X-API-Key: {secret_file: api.key}, Content-Type: "application/vnd.x+json"}
          body: {id: {var: payment_id}, pan: {var: card.number}}
      answer: {rules: [{when: {status: 200}, outcome: approved}]}
      """
    let diagnostics = Diagnostics()
    let tree = ConfigurationTree.parse(Array(text.utf8), file: "t.yaml", diagnostics)
    let template = tree.flatMap {
      TemplateCompiler.compile($0, directory: directory.path, diagnostics)
    }
    return (template, diagnostics.all.map(\.description))
  }

  @Test(arguments: ["AQEyhmfxK….".replacing("…", with: "x"), "two words\n", "k9f_7\r\n"])
  func `the file's line is the header's value`(secret: String) throws {
    let (template, mistakes) = try compile(secret)
    #expect(mistakes == [])
    let operation = try Fixture.required(template?.operations[.authorize], "authorize")
    let message = Fixture.message(operation, try Fixture.payment(), try Fixture.card())
    let head = Fixture.rendered(message).head
    let line = secret.split(whereSeparator: \.isNewline)[0]
    #expect(head.contains("X-API-Key: \(line)"))
    #expect(head.contains("Content-Type: application/vnd.x+json"))
    #expect(!"\(message) \(operation)".contains(line), "no description holds it")
  }

  @Test(arguments: [
    (String?.none, mode_t(0o600), "cannot be read: No such file or directory"),
    ("s3cret", 0o640, "is open to others than its owner (mode 0640)"),
    ("", 0o600, "is empty"),
    ("a\nb", 0o600, "holds something else than one line of visible ASCII"),
    ("clé", 0o600, "holds something else than one line of visible ASCII"),
    (" key", 0o600, "begins or ends with a space"),
  ])
  func `a file that is no secret of one line is told`(
    secret: String?, mode: mode_t, said: String
  ) throws {
    let (template, mistakes) = try compile(secret, mode: mode)
    #expect(template == nil)
    #expect(mistakes.count == 1 && mistakes[0].contains("api.key \(said)"), "\(mistakes)")
    if let secret, secret.utf8.count > 1 {
      #expect(!mistakes.joined().contains(secret), "the secret is not told")
    }
  }
}
