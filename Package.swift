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
/// for that, is read from where the sources are. All stand on what they share.
func tests(
  _ name: String, _ dependencies: [Target.Dependency], embedding files: [String] = [],
  reading corpora: [String] = []
) -> Target {
  .testTarget(
    name: name, dependencies: dependencies + ["TestSupport"], exclude: corpora,
    resources: files.map { .embedInCode($0) },
    swiftSettings: strict)
}

/// What is built: the programs say it of themselves. `deploy/prepare.sh` sets it for release builds; what the
/// package manager knows of the repository it may have from an earlier build.
let commit = Context.environment["CADENAS_COMMIT"] ?? ""

let nio: [Target.Dependency] = [
  product("NIOCore", "swift-nio"), product("NIOPosix", "swift-nio"),
  product("NIOHTTP1", "swift-nio"), product("NIOTLS", "swift-nio"),
  product("NIOSSL", "swift-nio-ssl"),
]

/// Templates, words, sheet, script and sign of the payment page.
let pageResources = [
  "approved.mustache", "bank.mustache", "bank_back.mustache", "bank_go.mustache",
  "browser.mustache", "cancel.mustache", "card.mustache", "closed.mustache", "code.mustache",
  "cvc.mustache", "end.mustache", "ended.mustache", "fact_card.mustache", "facts.mustache",
  "fault.mustache", "faults.mustache", "foot.mustache", "head.mustache", "icon.svg",
  "kept.mustache", "methods.mustache", "notice.mustache", "order.mustache", "out.mustache",
  "outcome.mustache", "page.css", "page.css.gz", "page.js", "page.js.gz", "refused.mustache",
  "return.mustache",
  "sign_bad.mustache", "sign_card.mustache", "time.mustache", "top.mustache", "wait.mustache",
  "waiting.mustache", "wallets.mustache", "words.json", "words.mustache",
]

let package = Package(
  name: "cadenas",
  products: [
    .executable(name: "cadenas", targets: ["cadenas"]),
    .executable(name: "cadenas-page", targets: ["cadenas-page"]),
    .executable(name: "cadenas-dev", targets: ["cadenas-dev"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    // The payment page only.
    .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
    .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.1.1"),
    .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
  ],
  targets: [
    // System: module maps over Debian's libraries, and the C files of our own.
    .systemLibrary(name: "CLMDB", providers: [.apt(["liblmdb-dev"])]),
    .systemLibrary(name: "CSodium", pkgConfig: "libsodium", providers: [.apt(["libsodium-dev"])]),
    .systemLibrary(name: "COpenSSL", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
    .target(name: "CScrub"),
    .target(name: "CBuild", cSettings: [.define("CADENAS_COMMIT", to: "\"\(commit)\"")]),
    // Valgrind, which counts a request's instructions, does not read what Clang writes by default.
    .target(name: "CMapFault", cSettings: [.unsafeFlags(["-gdwarf-4"])]),

    // Tools.
    module("Bytes"),
    module("SecretMemory", ["CSodium"]),
    module("Cryptography", ["Bytes", "COpenSSL", "CSodium", "SecretMemory"]),
    module("SystemCalls"),
    module("LMDB", ["Bytes", "CLMDB", "CMapFault", "SystemCalls"]),
    module("JSON", ["Bytes"]),

    // Words.
    module("Cards", ["Bytes", "SecretMemory"]),
    module("RecordFormat", ["Bytes", "Cards", "Cryptography", "SecretMemory"]),

    // Engine.
    module("Storage", ["Bytes", "Cryptography", "LMDB", "SystemCalls"]),

    // State.
    module("AccessPolicy"),
    module(
      "AuditLog", ["Bytes", "Storage", "RecordFormat", "Cryptography", "JSON", "SecretMemory"]),
    module(
      "Keyring",
      [
        "Bytes", "Storage", "SystemCalls", "JSON", "RecordFormat", "Cryptography",
        "SecretMemory",
      ]),
    module(
      "CardStore",
      [
        "Bytes", "Storage", "SystemCalls", "Keyring", "RecordFormat", "Cards", "Cryptography",
        "SecretMemory",
      ]),

    module(
      "Ledgers",
      [
        "AuditLog", "Bytes", "Cards", "Cryptography", "Keyring", "RecordFormat", "SecretMemory",
        "Storage",
      ]),

    // Core: what clients may ask, and what operators may, over one common part.
    module(
      "VaultCore",
      [
        "AccessPolicy", "AuditLog", "Bytes", "CardStore", "Cards", "Cryptography", "JSON",
        "Keyring", "Ledgers", "RecordFormat", "SecretMemory", "Storage", "SystemCalls",
      ]),
    module(
      "Tokenization",
      [
        "Bytes", "VaultCore", "AccessPolicy", "AuditLog", "CardStore", "Cards", "JSON",
        "Ledgers", "RecordFormat", "SecretMemory", "Storage",
      ]),
    module(
      "VaultManagement",
      [
        "VaultCore", "AccessPolicy", "AuditLog", "Bytes", "CardStore", "Cards", "Cryptography",
        "JSON", "Keyring", "Ledgers", "RecordFormat", "SecretMemory", "Storage",
      ]),

    // Edges.
    module(
      "ConfigurationReading",
      [
        "Bytes", "AccessPolicy", "AuditLog", "Cards", "Cryptography", "Keyring", "RecordFormat",
        "SecretMemory", "SystemCalls",
        product("Yams", "Yams"),
      ]),
    module(
      "ServiceLog", ["Bytes", "JSON", "SystemCalls", product("Logging", "swift-log")]),
    module(
      "Listening",
      [
        "SystemCalls", product("Logging", "swift-log"), product("NIOCore", "swift-nio"),
        product("NIOPosix", "swift-nio"),
      ]),
    module(
      "AcquirerGateway",
      [
        "Bytes", "Tokenization", "VaultCore", "AuditLog", "ConfigurationReading", "Cards",
        "Cryptography", "SecretMemory", "JSON", "AccessPolicy", "SystemCalls",
      ] + nio),
    module(
      "VaultServer",
      [
        "Bytes", "Tokenization", "VaultCore", "Ledgers", "AccessPolicy", "Cards", "SecretMemory",
        "Cryptography", "JSON", "Listening", "SystemCalls",
        product("Logging", "swift-log"),
      ] + nio),
    module(
      "Administration",
      [
        "Bytes", "AuditLog", "CardStore", "Cards", "Cryptography", "JSON", "Keyring",
        "RecordFormat", "SecretMemory", "Storage", "Ledgers", "VaultCore", "VaultManagement",
        "SystemCalls", "Listening",
        product("Logging", "swift-log"), product("NIOCore", "swift-nio"),
        product("NIOPosix", "swift-nio"), product("NIOHTTP1", "swift-nio"),
      ]),

    // The payment page, another program on another host: payments and no card.
    module("Payments", ["Bytes", "Cards", "Cryptography", "JSON", "SecretMemory"]),
    module("PaymentStore", ["Payments", product("GRDB", "GRDB.swift")]),
    .target(
      name: "PaymentPage",
      dependencies: [
        "Payments", "PaymentStore", "Administration", "ConfigurationReading", "AccessPolicy",
        "Bytes", "Cards",
        "Cryptography", "JSON", "SecretMemory", "SystemCalls",
        product("Hummingbird", "hummingbird"), product("HummingbirdCore", "hummingbird"),
        product("HummingbirdTLS", "hummingbird"),
        product("HTTPTypes", "swift-http-types"),
        product("ServiceLifecycle", "swift-service-lifecycle"),
        product("UnixSignals", "swift-service-lifecycle"),
        product("Mustache", "swift-mustache"), product("AsyncHTTPClient", "async-http-client"),
        product("Logging", "swift-log"),
      ] + nio,
      resources: pageResources.map { .embedInCode("Resources/\($0)") },
      swiftSettings: strict),

    // Programs.
    .executableTarget(
      name: "cadenas-page",
      dependencies: [
        "PaymentPage", "PaymentStore", "Payments", "ConfigurationReading", "ServiceLog", "CScrub",
        "JSON",
        "SystemCalls", product("ArgumentParser", "swift-argument-parser"),
        product("Logging", "swift-log"),
      ] + nio,
      swiftSettings: strict),
    .executableTarget(
      name: "cadenas",
      dependencies: [
        "Bytes", "Administration", "AccessPolicy", "AcquirerGateway", "AuditLog", "CardStore",
        "Cards", "ConfigurationReading", "Cryptography", "JSON", "Keyring", "LMDB", "RecordFormat",
        "SecretMemory", "Storage", "Ledgers", "Tokenization", "VaultCore", "VaultManagement",
        "VaultServer", "CBuild", "CScrub", "ServiceLog", "SystemCalls",
        product("ArgumentParser", "swift-argument-parser"),
        product("Logging", "swift-log"),
      ] + nio,
      swiftSettings: strict),
    .executableTarget(
      name: "cadenas-dev",
      dependencies: [
        "Bytes", "AccessPolicy", "AuditLog", "CardStore", "Cards", "ConfigurationReading",
        "Cryptography",
        "JSON", "Keyring", "SecretMemory", "Storage", "SystemCalls",
        product("ArgumentParser", "swift-argument-parser"),
        product("Hummingbird", "hummingbird"), product("HummingbirdTLS", "hummingbird"),
        product("Mustache", "swift-mustache"), product("AsyncHTTPClient", "async-http-client"),
        product("Logging", "swift-log"),
      ] + nio,
      // Two are links to what keys/ and deploy/ hold, so that there is one text to review.
      resources: [
        .embedInCode("Resources/development.yaml"),
        .embedInCode("Resources/development-pki.cnf"),
        .embedInCode("Resources/simulator.yaml"),
        .embedInCode("Resources/page.yaml"),
        .embedInCode("Resources/shop/shop.css"),
        .embedInCode("Resources/shop/invoice.css"),
        .embedInCode("Resources/shop/layout.mustache"),
        .embedInCode("Resources/shop/catalogue.mustache"),
        .embedInCode("Resources/shop/basket.mustache"),
        .embedInCode("Resources/shop/order.mustache"),
        .embedInCode("Resources/shop/orders.mustache"),
        .embedInCode("Resources/shop/account.mustache"),
        .embedInCode("Resources/shop/message.mustache"),
        .embedInCode("Resources/shop/invoice.mustache"),
      ],
      swiftSettings: strict),

    // What several test targets stand on.
    .target(
      name: "TestSupport", dependencies: ["Bytes", "Storage"], path: "Tests/Support/Plain",
      swiftSettings: strict),
    .target(
      name: "TestNetwork", dependencies: nio, path: "Tests/Support/Network", swiftSettings: strict),

    // Tests.
    tests("SecretMemoryTests", ["Bytes", "SecretMemory", "CScrub"]),
    tests("CryptographyTests", ["Bytes", "Cryptography", "SecretMemory"], reading: ["Vectors"]),
    tests("LMDBTests", ["Bytes", "LMDB"]),
    tests("JSONTests", ["Bytes", "JSON"], reading: ["Corpus"]),
    tests("CardsTests", ["Bytes", "Cards", "SecretMemory"], embedding: ["Vectors/typeid.txt"]),
    tests(
      "RecordFormatTests", ["Bytes", "RecordFormat", "Cards", "Cryptography", "SecretMemory"],
      embedding: [
        "Golden/card-record.txt", "Golden/fingerprint.txt", "Golden/idempotency-row.txt",
        "Golden/keyring.txt", "Golden/keyring-v2.txt", "Golden/custodian-set.txt",
        "Golden/sealed-share.txt",
      ], reading: ["Golden/generate.py", "Golden/generate-custody.py"]),
    tests("StorageTests", ["Bytes", "Storage", "SystemCalls", "LMDB", "StorageFaults"]),
    // A child process of StorageTests, which runs it over a library that fails system calls.
    .executableTarget(
      name: "StorageFaults", dependencies: ["Bytes", "LMDB", "Storage", "TestSupport"],
      path: "Tests/StorageFaults",
      swiftSettings: strict),
    tests("AccessPolicyTests", ["AccessPolicy"]),
    tests(
      "AuditLogTests",
      ["Bytes", "AuditLog", "Storage", "RecordFormat", "Cryptography", "JSON"],
      embedding: ["Vectors/rfc6962-roots.txt", "Golden/signed-notes.txt"],
      reading: ["Golden/generate.py"]),
    tests(
      "KeyringTests",
      ["Bytes", "Keyring", "Storage", "RecordFormat", "Cryptography", "SecretMemory"],
      // The reference file of the other generator, which writes both.
      embedding: ["Golden/custodian-2.share"]),
    tests(
      "CardStoreTests",
      [
        "Bytes", "CardStore", "Keyring", "Storage", "RecordFormat", "Cards", "Cryptography",
        "SecretMemory",
      ]),
    tests(
      "VaultTests",
      [
        "Ledgers", "VaultCore", "Tokenization", "VaultManagement", "AccessPolicy", "AuditLog",
        "Bytes", "CardStore", "Keyring", "Storage", "Cards", "RecordFormat", "Cryptography",
        "SecretMemory", "JSON", "SystemCalls", "TokenizeRun",
      ]),
    // A child process of VaultTests, which counts its instructions and loses its writes.
    .executableTarget(
      name: "TokenizeRun",
      dependencies: [
        "Tokenization", "VaultCore", "Ledgers", "AccessPolicy", "Bytes", "Keyring", "Storage",
        "Cards", "RecordFormat", "SecretMemory", "TestSupport",
      ],
      path: "Tests/TokenizeRun", swiftSettings: strict),
    // The samples are links to what deploy/ and keys/ hold.
    tests(
      "ConfigurationTests",
      [
        "ConfigurationReading", "AccessPolicy", "AuditLog", "Cards", "Keyring", "RecordFormat",
        "VaultCore",
      ],
      embedding: [
        "Mistakes.txt", "Samples/cadenas.yaml", "Samples/brands.yaml", "Samples/openapi.yaml",
        "Samples/ceremony.yaml", "Samples/alarms.yaml", "Samples/AuditLog.md",
      ]),
    tests(
      "AcquirerGatewayTests",
      [
        "Bytes", "AcquirerGateway", "Tokenization", "VaultCore", "ConfigurationReading",
        "AccessPolicy",
        "Cards", "SecretMemory", "JSON",
        product("NIOEmbedded", "swift-nio"),
      ]
        + nio),
    tests(
      "VaultServerTests",
      [
        "TestNetwork",
        "Bytes", "VaultServer", "Tokenization", "VaultCore", "Ledgers", "AccessPolicy", "Cards",
        "SecretMemory", "JSON", "Cryptography", "ServiceLog", "SystemCalls",
        product("Logging", "swift-log"),
      ] + nio),
    tests(
      "AdministrationTests",
      [
        "Bytes", "Administration", "AuditLog", "CardStore", "Cryptography", "JSON", "Keyring",
        "RecordFormat", "SecretMemory", "Storage", "Ledgers", "VaultCore", "VaultManagement",
        product("Logging", "swift-log"), product("NIOCore", "swift-nio"),
        product("NIOPosix", "swift-nio"), product("NIOEmbedded", "swift-nio"),
        product("NIOHTTP1", "swift-nio"),
      ]),
    // The programs as a user runs them: real sockets, real processes, the simulator as acquirer.
    tests(
      "ProgramTests",
      [
        "TestNetwork",
        "AcquirerGateway", "Bytes", "Cards", "ConfigurationReading", "Tokenization", "VaultCore",
        "VaultServer",
        "cadenas", "cadenas-dev", "Administration", "AuditLog", "Cryptography", "JSON", "Keyring",
        "LMDB", "RecordFormat", "SecretMemory", "Storage", "SystemCalls",
        product("NIOEmbedded", "swift-nio"),
      ] + nio, reading: ["CommandLine", "Golden", "Reader"]),
    tests(
      "PaymentPageTests",
      [
        "Payments", "PaymentStore", "PaymentPage", "ConfigurationReading", "Bytes", "Cards",
        "Cryptography", "JSON", "SecretMemory", product("GRDB", "GRDB.swift"),
      ], embedding: ["form-cases.json", "Samples/page.yaml", "Samples/openapi-page.yaml"],
      reading: ["Browser", "Rounds", "form-cases.mjs"]),
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
        "Bytes", "AuditLog", "Cards", "Cryptography", "JSON", "RecordFormat", "SecretMemory",
        product("Benchmark", "benchmark"),
      ],
      // Its plugin looks for targets in a directory of this name.
      path: "Tests/Benchmarks/PureParts", swiftSettings: strict,
      plugins: [.plugin(name: "BenchmarkPlugin", package: "benchmark")]))
}
