package import AccessPolicy
package import AuditLog
package import Cards
package import Cryptography
package import Keyring

/// The whole configuration, read and checked: what `cadenas.yaml` says, as plain values.
///
/// All paths are absolute. Everything that it names has been looked at: files can be read, private
/// files are private, names lead somewhere.
package struct ServiceConfiguration: Sendable {
  /// The absolute path of the file it was read from.
  package let file: String
  /// The absolute paths of the files that it is made of and that it names, but for those that a template
  /// names.
  package let files: Set<String>
  /// The SHA-256 of what was read of each of them that is YAML, by its path.
  package let digests: [String: Digest256]
  /// The absolute path of the brands file; nil for the table built into the vault.
  package let brandsPath: String?
  /// The absolute path of the alarm file; nil for the rules built into the vault.
  package let alarmsPath: String?
  /// Whether this is a throwaway installation; `serve` refuses development keys otherwise.
  package let development: Bool
  /// Where clients connect to.
  package let listen: ListenAddress
  /// Where cards are kept.
  package let store: StoreSettings
  /// What the server shows its clients.
  package let tls: TLSSettings
  /// Where the key-encryption key comes from.
  package let keys: KeySource
  /// What keys are judged by.
  package let keyRules: KeyRules
  /// Whether a ceremony asks for shares of different accounts: it stays so until the next one.
  package let distinctAccounts: Bool
  /// The local socket, and who may use it.
  package let administration: AdministrationSettings
  /// What is done with the audit log beside writing it.
  package let audit: AuditSettings
  /// The brands by card number.
  package let brands: BrandTable
  /// The alarm rules, in the order of their file.
  package let alarms: [AlarmRule]
  /// Whom alarms are told, beside the log; nil for nobody.
  package let alarmNotice: AlarmNotice?
  /// By what sign the host's clock is known to be right.
  package let clock: ClockSettings
  /// Every limit.
  package let limits: Limits
  /// The merchants, ordered by name.
  package let merchants: [Merchant]
  /// The acquirers, ordered by name.
  package let acquirers: [Acquirer]
  /// How to forward payments, by the acquirer's name.
  package let push: [String: PushSettings]
  /// The lines of the file on which each client's identity stands.
  package let identityLines: [String: [Int]]

  /// The SHA-256 of the file it was read from.
  package var digest: Digest256 { digests[file] ?? .zero }

  /// The policy of this configuration, as generation `generation`.
  package func policy(generation: UInt64) -> Policy {
    Policy(generation: generation, merchants: merchants, acquirers: acquirers)
  }

  /// Checks that no merchant is shown eight first digits which may not be, under the limits that a running
  /// service has: those of a file count at its next start.
  /// - Throws: ``ConfigurationError`` that names each such merchant.
  package func checkBINDigits(underLimitsInForce limits: Limits) throws(ConfigurationError) {
    let mistakes = merchants.filter {
      $0.binDigits == 8 && !limits.allowsEightDigits(isDeduplicated: $0.deduplicate)
    }.map {
      Diagnostic(
        file: file, line: nil,
        message: "\(quoted("merchants.\($0.name).bin_digits")) is 8, and the "
          + "limits.same_digits_per_hour in force is \(limits.sameDigitsPerHour)",
        suggestion: "limits take effect at the next start: restart the service instead")
    }
    guard mistakes.isEmpty else { throw ConfigurationError(diagnostics: mistakes) }
  }
}

/// An address to listen on.
package struct ListenAddress: Equatable, Sendable {
  /// An IPv4 or IPv6 address (without brackets) or a host name.
  package let host: String
  /// The port; 0 lets the system choose.
  package let port: UInt16
}

/// Where the store lies and how large it may grow.
package struct StoreSettings: Equatable, Sendable {
  /// The sizes that a map may have, in bytes: 1 MiB to 64 TiB.
  package static let allowedMapSizeBytes: ClosedRange<UInt64> = 1 << 20...1 << 46
  /// The sizes that a journal may have, in bytes: 1 MiB to 64 MiB.
  package static let allowedJournalBytes: ClosedRange<UInt64> = 1 << 20...64 << 20

  /// The absolute path of the store's directory.
  package let path: String
  /// The size of the memory map, in bytes: the store's upper bound.
  package let mapSizeBytes: UInt64
  /// The size of the journal, in bytes; nil for a sixteenth of the map, within the bounds.
  package let journalBytes: UInt64?
}

/// The server's certificate chain and its key.
package struct TLSSettings: Equatable, Sendable {
  /// The absolute path of the chain, PEM, leaf first.
  package let certificatePath: String
  /// The absolute path of the private key, PEM, readable by its owner only.
  package let privateKeyPath: String
  /// The lines of the configuration that name them.
  package let certificateLine: Int
  package let privateKeyLine: Int
}

/// The administration socket, and who is who on it.
package struct AdministrationSettings: Equatable, Sendable {
  /// The bytes that the system allows in a socket's path (`sun_path` without its end).
  package static let maximumSocketPathBytes = 107

  /// The absolute path of the socket, at most ``maximumSocketPathBytes``.
  package let socketPath: String
  /// The group that owns the socket; nil leaves the process's own.
  package let socketGroup: String?
  /// Who runs the service.
  package let operators: [AdministrationActor]
  /// Who reads everything but cards, and runs rotations and reports.
  package let auditors: [AdministrationActor]
  /// Who enters shares; where nobody is named, operators and auditors do.
  package let custodians: [AdministrationActor]
  /// Who sees how the service is, and nothing else.
  package let monitors: [AdministrationActor]
  /// How many different persons something takes that cannot be taken back, by its word, one of
  /// ``approvalWords``; one, where it is absent.
  package let approvals: [String: Int]
  /// Whether whatever changes something names a ticket.
  package let ticketsRequired: Bool

  /// What may take several persons.
  package static let approvalWords = ["destroy", "forget", "archive", "ceremony"]

  /// Every role with who has it, and the key that lists them.
  package var roles: [AdministrationRole] {
    [
      AdministrationRole(
        name: "operator", key: "operators", members: operators, approves: true),
      AdministrationRole(name: "auditor", key: "auditors", members: auditors, approves: true),
      AdministrationRole(
        name: "custodian", key: "custodians", members: custodians, approves: false),
      AdministrationRole(name: "monitor", key: "monitors", members: monitors, approves: false),
    ]
  }
}

/// A role on the administration socket.
package struct AdministrationRole: Equatable, Sendable {
  /// What it is called.
  package let name: String
  /// Its key in the section `administration`.
  package let key: String
  /// Who has it.
  package let members: [AdministrationActor]
  /// Whether who has it may ask for, or approve, what takes several persons.
  package let approves: Bool
}

/// A user of the host, or every member of a group.
package enum AdministrationActor: Hashable, Sendable {
  /// The user with this name.
  case user(String)
  /// Members of the group with this name; written `@name`.
  case group(String)

  /// `user:NAME` or `group:NAME`.
  package var entryText: String {
    switch self {
    case .user(let name): "user:\(name)"
    case .group(let name): "group:\(name)"
    }
  }
}

/// How payments reach one acquirer.
package struct PushSettings: Equatable, Sendable {
  /// The absolute path of the template file.
  package let templatePath: String
  /// Where the acquirer listens; nil where the template says it.
  package let url: BaseURL?
  /// What the vault believes and shows on its way out; nil where the template says it.
  package let tls: OutboundTLS?

  /// Names a template, and what this installation says about the connection.
  package init(templatePath: String, url: BaseURL? = nil, tls: OutboundTLS? = nil) {
    self.templatePath = templatePath
    self.url = url
    self.tls = tls
  }
}

/// What pins the connection to an acquirer.
package struct OutboundTLS: Equatable, Sendable {
  /// The absolute path of the only authority that is believed, PEM.
  package let caPath: String
  /// The name that the acquirer's certificate has to carry.
  package let serverName: String
  /// The absolute paths of the certificate and key that the vault shows; nil where the acquirer
  /// asks for none.
  package let clientCertificate: ClientCertificate?

  /// Pins a connection.
  package init(
    caPath: String, serverName: String, clientCertificate: ClientCertificate? = nil
  ) {
    self.caPath = caPath
    self.serverName = serverName
    self.clientCertificate = clientCertificate
  }

  /// A certificate chain and its private key, both PEM, by absolute path.
  package struct ClientCertificate: Equatable, Sendable {
    /// The chain, leaf first.
    package let certificatePath: String
    /// The private key, readable by its owner only.
    package let privateKeyPath: String

    /// Names both files.
    package init(certificatePath: String, privateKeyPath: String) {
      self.certificatePath = certificatePath
      self.privateKeyPath = privateKeyPath
    }
  }
}
