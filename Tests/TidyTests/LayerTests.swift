import Testing

/// The layer table: dependencies point down only.
@Suite struct LayerTests {
  /// From the bottom up. A target imports what stands in its own layer or below; which of those it
  /// does import is for the package manifest.
  private static let layers: [[String]] = [
    ["CLMDB", "CSodium", "COpenSSL", "CMapFault", "CScrub", "CBuild"],
    ["Bytes", "SecretMemory", "Cryptography", "LMDB", "JSON", "SystemCalls"],
    ["Cards", "RecordFormat"],
    ["Storage"],
    ["AccessPolicy", "AuditLog", "CardStore", "Keyring", "Ledgers"],
    ["VaultCore", "Payments"],
    ["Tokenization", "VaultManagement"],
    [
      "ConfigurationReading", "AcquirerGateway", "VaultServer", "Administration", "ServiceLog",
      "Listening", "PaymentStore",
    ],
    ["PaymentPage"],
    ["cadenas", "cadenas-dev", "cadenas-page"],
  ]
  private static let edge = 7

  /// What clients can reach and what operators can reach know nothing of each other, and what clients
  /// can reach names no key: so the compiler says that no request changes or destroys one, and that no
  /// operator's command is given a card.
  private static let strangers: [String: Set<String>] = [
    "VaultManagement": ["Tokenization", "VaultServer", "AcquirerGateway"],
    "Tokenization": ["VaultManagement", "Administration"],
    "Keyring": ["Tokenization", "VaultServer", "AcquirerGateway"],
  ]

  /// Who may import what is not ours everywhere.
  private static let reserved: [String: Set<String>] = [
    "CLMDB": ["LMDB"],
    "LMDB": ["Storage", "cadenas"],
    "CMapFault": ["LMDB"],
    "CSodium": ["SecretMemory", "Cryptography"],
    "COpenSSL": ["Cryptography"],
    "CScrub": ["cadenas", "cadenas-page"],
    "CBuild": ["cadenas"],
    "Yams": ["ConfigurationReading"],
    "ArgumentParser": ["cadenas", "cadenas-dev", "cadenas-page"],
    "GRDB": ["PaymentStore"],
    "Hummingbird": ["PaymentPage", "cadenas-dev"],
  ]

  /// Who may name what reveals the bytes of a key: those that make and use keys, and the program, which
  /// hands the key of a ceremony over to the service.
  private static let keyBytes = "withUnprotectedKeyBytes"
  private static let namesKeyBytes: Set<String> = ["RecordFormat", "Keyring", "cadenas"]

  private static func layer(of target: String) -> Int? {
    layers.firstIndex { $0.contains(target) }
  }

  private static func imports(of file: SourceTree.File) -> [String] {
    file.lines.compactMap { line in
      var words = line.split(separator: " ")
      while let first = words.first, first.hasPrefix("@") || Self.modifiers.contains(first) {
        words.removeFirst()
      }
      guard words.first == "import", words.count >= 2 else { return nil }
      let kinds = ["class", "enum", "func", "struct", "typealias", "protocol", "var", "let"]
      let name = kinds.contains(String(words[1])) && words.count > 2 ? words[2] : words[1]
      return String(name.prefix { $0 != "." && $0 != ";" })
    }
  }

  private static let modifiers: Set<Substring> = ["internal", "package", "public", "private"]

  @Test func everyTargetStandsInTheLayerTable() {
    let targets = Set(SourceTree.swift(in: "Sources").map(\.target))
    for target in targets {
      #expect(Self.layer(of: target) != nil, "\(target) has no layer: decide which, here")
    }
    #expect(targets.count > 10, "the sources were not found")
  }

  @Test func noTargetImportsOneAboveIt() {
    for file in SourceTree.swift(in: "Sources") {
      guard let own = Self.layer(of: file.target) else { continue }
      for name in Self.imports(of: file) {
        // The module of an executable has the name of its target with other punctuation.
        guard let other = Self.layer(of: name.replacing("_", with: "-")) else { continue }
        #expect(other <= own, "\(file) imports \(name), which stands above it")
      }
    }
  }

  @Test func whatClientsReachAndWhatOperatorsReachAreStrangers() {
    for file in SourceTree.swift(in: "Sources") {
      for name in Self.imports(of: file) {
        guard let forbidden = Self.strangers[name] else { continue }
        #expect(!forbidden.contains(file.target), "\(file) imports \(name)")
      }
    }
  }

  @Test func wrappersAloneTouchTheirLibraries() {
    for file in SourceTree.swift(in: "Sources") {
      for name in Self.imports(of: file) {
        guard let allowed = Self.reserved[name] else { continue }
        #expect(allowed.contains(file.target), "\(file) imports \(name)")
      }
    }
  }

  @Test func bytesOfKeysAreRevealedToFew() {
    let files = SourceTree.swift(in: "Sources").filter { file in
      file.lines.contains { $0.contains(Self.keyBytes) }
    }
    #expect(Set(files.map(\.target)) == Self.namesKeyBytes, "who names \(Self.keyBytes)")
    for file in files where file.target == "cadenas" {
      #expect(file.path.hasSuffix("KeysCeremonyChangeCommands.swift"), "\(file)")
    }
  }

  @Test func networkAndFoundationStayAtTheEdges() {
    for file in SourceTree.swift(in: "Sources") {
      guard let own = Self.layer(of: file.target), own < Self.edge else { continue }
      for name in Self.imports(of: file) {
        let isOutside = name.hasPrefix("Foundation") || name.hasPrefix("NIO") || name == "Logging"
        #expect(!isOutside, "\(file) imports \(name) below the edges")
      }
    }
  }

  /// The import is the sign at which a reviewer stops: it means that the file holds a secret.
  @Test func importingSecretMemoryMeansASecret() {
    let names = [
      "SecretBytes", "SecretSlot", "SecretPool", "SecretMemoryError", "wipe(", "constantTimeEqual(",
    ]
    for file in SourceTree.swift(in: "Sources") where file.target != "SecretMemory" {
      guard Self.imports(of: file).contains("SecretMemory") else { continue }
      let isNamed = file.lines.contains { line in
        !line.drop { $0 == " " }.hasPrefix("//") && names.contains { line.contains($0) }
      }
      #expect(isNamed, "\(file) imports SecretMemory and names no secret")
    }
  }
}
