import ConfigurationReading
import Testing
import VaultCore

/// The API description against the table of statuses and problems that it has to hold.
@Suite struct OpenAPITests {
  let description: ConfigurationTree

  init() throws {
    let diagnostics = Diagnostics()
    let tree = ConfigurationTree.parse(
      PackageResources.openapi_yaml, file: "openapi.yaml", diagnostics)
    #expect(diagnostics.all.map(\.description) == [])
    description = try #require(tree)
  }

  private static let everywhere = [
    "400", "403", "405", "411", "413", "429", "431", "500", "503", "507",
  ]

  @Test(arguments: [
    ("/v1/tokens", "post", ["200", "201", "404", "409", "415", "422"]),
    ("/v1/tokens/{token}", "delete", ["204", "404"]),
    (
      "/v1/tokens/{token}/detokenize", "post",
      ["200", "404", "409", "415", "422", "502", "504"]
    ),
  ])
  func `an operation lists every status that it can answer`(
    path: String, method: String, statuses: [String]
  ) throws {
    let responses = try #require(description["paths"]?[path]?[method]?["responses"])
    #expect(Set(responses.keys) == Set(Self.everywhere + statuses))
  }

  @Test func `there are three operations`() throws {
    let paths = try #require(description["paths"])
    #expect(paths.keys.count == 3)
  }

  @Test func `the problems are those of the contract`() throws {
    let type = description["components"]?["schemas"]?["Problem"]?["properties"]?["type"]?["enum"]
    let names = try #require(type).elements.map { $0.text.dropFirst("urn:cadenas:problem:".count) }
    #expect(
      Set(names) == [
        "malformed-request", "idempotency-key-required", "unknown-client",
        "operation-not-permitted", "acquirer-not-permitted", "token-not-found",
        "no-such-resource", "method-not-allowed", "length-required", "body-too-large",
        "unsupported-media-type", "header-too-large", "request-in-progress",
        "invalid-card-number", "unsupported-brand", "card-expired",
        "sensitive-authentication-data", "unknown-member", "missing-member", "invalid-member",
        "unsupported-currency", "idempotency-key-reused", "quota-exceeded", "internal-error",
        "acquirer-unreachable", "acquirer-rejected-request", "sealed", "overloaded",
        "shutting-down", "unavailable", "outcome-unknown", "store-full",
      ])
    #expect(names.count == Set(names).count)
    #expect(Set(names.map(String.init)) == Set(ProblemName.allCases.map(\.rawValue)))
  }

  @Test func `every reference leads somewhere`() {
    var dangling: [String] = []
    for reference in description.references {
      var tree: ConfigurationTree? = description
      for part in reference.split(separator: "/").dropFirst() { tree = tree?[String(part)] }
      if !reference.hasPrefix("#/") || tree == nil { dangling.append(reference) }
    }
    #expect(dangling == [])
  }
}

extension ConfigurationTree {
  fileprivate subscript(key: String) -> ConfigurationTree? {
    guard case .mapping(let members) = value else { return nil }
    return members.first { $0.key == key }?.tree
  }

  fileprivate var keys: [String] {
    guard case .mapping(let members) = value else { return [] }
    return members.map(\.key)
  }

  fileprivate var elements: [ConfigurationTree] {
    guard case .sequence(let elements) = value else { return [] }
    return elements
  }

  fileprivate var text: String {
    guard case .scalar(let text, _) = value else { return "" }
    return text
  }

  fileprivate var references: [String] {
    switch value {
    case .scalar: []
    case .sequence(let elements): elements.flatMap(\.references)
    case .mapping(let members):
      members.flatMap { $0.key == "$ref" ? [$0.tree.text] : $0.tree.references }
    }
  }
}
