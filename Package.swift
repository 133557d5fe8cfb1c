// swift-tools-version: 6.3
import PackageDescription

// Every target, tests included, is compiled with these settings: a warning stops the build.
let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .strictMemorySafety(),
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
  .enableUpcomingFeature("InferIsolatedConformances"),
  .enableExperimentalFeature("Lifetimes"),
]

func product(_ name: String, _ package: String) -> Target.Dependency {
  .product(name: name, package: package)
}

func module(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: strict)
}

/// Vectors and golden files become byte arrays of `PackageResources`; a corpus, which is too large
/// for that, is read from where the sources are.
func tests(
  _ name: String, _ dependencies: [Target.Dependency], embedding files: [String] = [],
  reading corpora: [String] = []
) -> Target {
  .testTarget(
    name: name, dependencies: dependencies, exclude: corpora,
    resources: files.map { .embedInCode($0) },
    swiftSettings: strict)
}

let nio: [Target.Dependency] = [
  product("NIOCore", "swift-nio"), product("NIOPosix", "swift-nio"),
  product("NIOHTTP1", "swift-nio"), product("NIOTLS", "swift-nio"),
  product("NIOSSL", "swift-nio-ssl"),
]

let package = Package(
  name: "cadenas",
  products: [
    .executable(name: "cadenas", targets: ["cadenas"]),
    .executable(name: "cadenas-dev", targets: ["cadenas-dev"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
  ],
  targets: [
    // System: module maps over Debian's libraries, and the one C file of our own.
    .systemLibrary(name: "CLMDB", providers: [.apt(["liblmdb-dev"])]),
    .systemLibrary(name: "CSodium", pkgConfig: "libsodium", providers: [.apt(["libsodium-dev"])]),
    .systemLibrary(name: "COpenSSL", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
    .systemLibrary(name: "CLinux"),
    .target(name: "CScrub"),

    // Tools.
    module("SecretMemory", ["CSodium"]),
    module("Cryptography", ["COpenSSL", "CSodium", "SecretMemory"]),
    module("LMDB", ["CLMDB"]),
    module("JSON"),

    // Words.
    module("Cards", ["SecretMemory"]),
    module("RecordFormat", ["Cards", "Cryptography", "SecretMemory"]),

    // Engine.
    module("Storage", ["LMDB", "CLinux"]),

    // State.
    module("AccessPolicy"),
    module(
      "AuditLog", ["Storage", "RecordFormat", "Cryptography", "JSON", "SecretMemory"]),
    module(
      "Keyring", ["Storage", "JSON", "RecordFormat", "Cryptography", "SecretMemory"]),
    module(
      "CardStore",
      ["Storage", "Keyring", "RecordFormat", "Cards", "Cryptography", "SecretMemory"]),

    // Core.
    module(
      "Vault",
      [
        "AccessPolicy", "AuditLog", "CardStore", "Keyring", "Storage", "RecordFormat",
        "Cards", "Cryptography", "SecretMemory", "JSON",
      ]),

    // Edges.
    module("Configuration", ["AccessPolicy", "Cards", product("Yams", "Yams")]),
    module(
      "AcquirerGateway",
      [
        "Vault", "Configuration", "Cards", "Cryptography", "SecretMemory", "JSON", "AccessPolicy",
      ] + nio),
    module(
      "VaultServer",
      [
        "Vault", "AccessPolicy", "Cards", "SecretMemory", "Cryptography", "JSON",
        product("Logging", "swift-log"),
      ] + nio),
    module(
      "Administration",
      [
        "AuditLog", "CardStore", "Cards", "Cryptography", "JSON", "Keyring",
        "RecordFormat", "SecretMemory", "Storage", "Vault",
        product("Logging", "swift-log"), product("NIOCore", "swift-nio"),
        product("NIOPosix", "swift-nio"), product("NIOHTTP1", "swift-nio"),
      ]),

    // Programs.
    .executableTarget(
      name: "cadenas",
      dependencies: [
        "Administration", "AccessPolicy", "AcquirerGateway", "AuditLog", "CardStore", "Cards",
        "Configuration", "Cryptography", "JSON", "Keyring", "LMDB", "RecordFormat",
        "SecretMemory", "Storage", "Vault", "VaultServer", "CScrub",
        product("ArgumentParser", "swift-argument-parser"),
        product("Logging", "swift-log"),
      ] + nio,
      swiftSettings: strict),
    .executableTarget(
      name: "cadenas-dev",
      dependencies: [
        "AccessPolicy", "AuditLog", "CardStore", "Cards", "Configuration", "Cryptography", "JSON",
        "Keyring", "SecretMemory", "Storage", "Vault",
        product("ArgumentParser", "swift-argument-parser"),
      ] + nio,
      // Two are links to what keys/ and deploy/ hold, so that there is one text to review.
      resources: [
        .embedInCode("Resources/development.yaml"),
        .embedInCode("Resources/development-pki.cnf"),
        .embedInCode("Resources/simulator.yaml"),
      ],
      swiftSettings: strict),

    // Tests.
    tests("SecretMemoryTests", ["SecretMemory", "CScrub"]),
    tests("CryptographyTests", ["Cryptography", "SecretMemory"], reading: ["Vectors"]),
    tests("LMDBTests", ["LMDB"]),
    tests("JSONTests", ["JSON"], reading: ["Corpus"]),
    tests("CardsTests", ["Cards", "SecretMemory"], embedding: ["Vectors/typeid.txt"]),
    tests(
      "RecordFormatTests", ["RecordFormat", "Cards", "Cryptography", "SecretMemory"],
      embedding: [
        "Golden/card-record.txt", "Golden/fingerprint.txt", "Golden/idempotency-row.txt",
        "Golden/keyring.txt", "Golden/keyring-v2.txt", "Golden/custodian-set.txt",
        "Golden/sealed-share.txt",
      ], reading: ["Golden/generate.py", "Golden/generate-custody.py"]),
    tests("StorageTests", ["Storage", "LMDB", "StorageFaults"]),
    // A child process of StorageTests, which runs it over a library that fails system calls.
    .executableTarget(
      name: "StorageFaults", dependencies: ["Storage"], path: "Tests/StorageFaults",
      swiftSettings: strict),
    tests("AccessPolicyTests", ["AccessPolicy"]),
    tests(
      "AuditLogTests", ["AuditLog", "Storage", "RecordFormat", "Cryptography", "JSON"],
      embedding: ["Vectors/rfc6962-roots.txt", "Golden/signed-notes.txt"],
      reading: ["Golden/generate.py"]),
    tests(
      "KeyringTests",
      ["Keyring", "Storage", "RecordFormat", "Cryptography", "SecretMemory"],
      // The reference file of the other generator, which writes both.
      embedding: ["Golden/custodian-2.share"]),
    tests(
      "CardStoreTests",
      [
        "CardStore", "Keyring", "Storage", "RecordFormat", "Cards", "Cryptography",
        "SecretMemory",
      ]),
    tests(
      "VaultTests",
      [
        "Vault", "AccessPolicy", "AuditLog", "CardStore", "Keyring", "Storage", "Cards",
        "RecordFormat", "Cryptography", "SecretMemory", "JSON", "TokenizeRun",
      ]),
    // A child process of VaultTests, which counts its instructions and loses its writes.
    .executableTarget(
      name: "TokenizeRun",
      dependencies: [
        "Vault", "AccessPolicy", "Keyring", "Storage", "Cards", "RecordFormat", "SecretMemory",
      ],
      path: "Tests/TokenizeRun", swiftSettings: strict),
    // The samples are links to what deploy/ and keys/ hold.
    tests(
      "ConfigurationTests", ["Configuration", "AccessPolicy", "Cards"],
      embedding: [
        "Mistakes.txt", "Samples/cadenas.yaml", "Samples/brands.yaml", "Samples/openapi.yaml",
        "Samples/ceremony.yaml", "Samples/alarms.yaml", "Samples/AuditLog.md",
      ]),
    tests(
      "AcquirerGatewayTests",
      [
        "AcquirerGateway", "Vault", "Configuration", "AccessPolicy", "Cards", "SecretMemory",
        "JSON",
      ]
        + nio),
    tests(
      "VaultServerTests",
      [
        "VaultServer", "Vault", "AccessPolicy", "Cards", "SecretMemory", "JSON", "Cryptography",
        product("Logging", "swift-log"),
      ] + nio),
    tests(
      "AdministrationTests",
      [
        "Administration", "AuditLog", "CardStore", "Cryptography", "JSON", "Keyring",
        "RecordFormat", "SecretMemory", "Storage", "Vault",
        product("Logging", "swift-log"), product("NIOCore", "swift-nio"),
        product("NIOPosix", "swift-nio"), product("NIOEmbedded", "swift-nio"),
        product("NIOHTTP1", "swift-nio"),
      ]),
    // The programs as a user runs them: real sockets, real processes, the simulator as acquirer.
    tests(
      "ProgramTests",
      [
        "cadenas", "cadenas-dev", "Administration", "AuditLog", "Cryptography", "JSON", "Keyring",
        "LMDB", "RecordFormat", "SecretMemory", "Storage",
      ] + nio, reading: ["CommandLine", "Golden", "Reader"]),
    // The house: file length, imports by layer, card numbers that are not test numbers.
    tests("TidyTests", []),
  ]
)

// Micro-benchmarks, for which nobody who builds or tests has to fetch their library.
if Context.environment["CADENAS_BENCHMARKS"] != nil {
  package.dependencies.append(
    .package(url: "https://github.com/ordo-one/benchmark", exact: "1.38.1", traits: []))
  package.targets.append(
    .executableTarget(
      name: "PureParts",
      dependencies: [
        "AuditLog", "Cards", "Cryptography", "JSON", "RecordFormat", "SecretMemory",
        product("Benchmark", "benchmark"),
      ],
      // Its plugin looks for targets in a directory of this name.
      path: "Tests/Benchmarks/PureParts", swiftSettings: strict,
      plugins: [.plugin(name: "BenchmarkPlugin", package: "benchmark")]))
}
