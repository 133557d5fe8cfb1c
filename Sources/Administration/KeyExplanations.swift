internal import Glibc
package import Keyring
internal import RecordFormat
internal import SystemCalls

extension KeyringError {
  /// What it means to whoever asked.
  package var kind: FailureKind {
    switch self {
    case .unknownKey, .keyKnownAlready, .keyNotRandom, .keyNotInstalled, .keyInForceMissing,
      .wrongState, .rotationUnderWay, .rotatedTooOften, .tooManyKeys, .keyUsedUp:
      .refused
    case .keySource, .keyFileOwner, .keyFileMode, .keyFileSize, .keyEncryptionKeyMissing,
      .keyFileExists, .noKeyring, .keyringDoesNotOpen, .malformedKeyring, .noActiveKey,
      .malformedTally, .systemUnavailable, .keyOutOfReach:
      .unavailable
    case .sourceRefuses(let refusal): refusal.kind
    case .custody(.malformedSet), .custody(.rebuiltKeyDiffers): .unavailable
    case .custody: .refused
    case .store(let error): error.kind
    }
  }

  /// A sentence for an operator: what is wrong, and what helps.
  package var explanation: String {
    switch self {
    case .keySource(let path, let errno):
      "the key source \(path) cannot be used: \(systemExplanation(errno))"
        + ([EACCES, EPERM].contains(errno)
          ? "; the service's user has to read in its directory, and to rotate or destroy a key, to write in it "
            + "(a systemd unit names it in ReadWritePaths=)" : "")
    case .keyFileOwner(let path, let owner):
      "\(path) belongs to the user \(owner), who could replace the key; it has to be the service's "
        + "own, or root's"
    case .keyFileMode(let path, let mode):
      "\(path) has mode \(String(mode, radix: 8)), so others than its owner may use the key; "
        + "run: chmod 600 \(path)"
    case .keyFileSize(let path, let size): "\(path) has \(size) bytes; a key has 32"
    case .keyEncryptionKeyMissing(let identifier, let directory):
      "the keyring is wrapped under key \(identifier.text), and \(directory) has no "
        + "\(identifier.text).kek"
    case .keyInForceMissing(let identifier, let directory):
      "\(directory) has no \(identifier.text).kek, the key in force, so no new one was made there: mount "
        + "the directory, or put the file back. Where it is lost for good, put the next key there "
        + "(32 random bytes, mode 0600), and name it with --to"
    case .keyOutOfReach(let identifier, let inForce, let directory):
      "\(directory) has no \(inForce.text).kek, the key in force, so nobody can say that \(identifier.text).kek "
        + "is gone, and it is not destroyed: mount the directory, or put the file back, and run keys destroy "
        + "again"
    case .keyNotInstalled(let identifier, let directory):
      "there is no \(identifier.text).kek in \(directory), so nothing was replaced: put the next key "
        + "there first (32 random bytes, mode 0600), under a name of eight hexadecimal digits, which --to "
        + "names"
    case .keyFileExists(let path): "\(path) exists already, and a key is never replaced"
    case .sourceRefuses(let refusal): refusal.explanation
    case .noKeyring: "the store has no keyring"
    case .keyringDoesNotOpen(let identifier):
      "the keyring does not open under key \(identifier.text): the key file is another one's, or "
        + "the store is damaged"
    case .malformedKeyring: "the keyring opens and breaks its own rules; restore a backup"
    case .noActiveKey(let role): "no \(role.name) key is active"
    case .unknownKey(let identifier): "there is no key \(identifier.text)"
    case .keyKnownAlready(let identifier):
      "the key \(identifier.text) is or was in use already; install another one"
    case .keyNotRandom(let identifier):
      "the key \(identifier.text) is one byte again and again; draw 32 random bytes for it"
    case .wrongState(let identifier, let state):
      "the key \(identifier.text) is \(state.name), and this cannot be done with it"
    case .rotationUnderWay(let role):
      "the \(role.name) key is being replaced already; wait for the end, which cadenas status shows"
    case .rotatedTooOften(let role):
      "\(role.name) keys have been rotated \(KeyringChange.mostRotationsInADay) times in a day; try "
        + "again tomorrow"
    case .tooManyKeys: "the keyring holds as many keys as fit"
    case .keyUsedUp(let identifier):
      "the key \(identifier.text) has sealed as often as it may; run: cadenas keys rotate data"
    case .malformedTally: "a count of cards or uses is damaged; run: cadenas store verify"
    case .custody(let problem): problem.explanation
    case .store(let error): error.explanation
    case .systemUnavailable:
      "the system gives no locked memory or no random bytes; \(ResourceLimit.lockedMemory.remedy)"
    }
  }
}

extension KeySourceRefusal {
  /// What it means to whoever asked: a source that does not fit, or something else to be done first.
  var kind: FailureKind {
    switch self {
    case .noCredentials, .credentialIsReadOnly(isFirst: true), .ceremonyNeeded, .heldByCustodians,
      .notHeldByCustodians:
      .misconfigured
    case .credentialIsReadOnly(isFirst: false), .credentialRemains, .sharesNeeded, .noFormerPath:
      .refused
    }
  }

  /// A sentence for an operator: what is in the way, and what helps.
  package var explanation: String {
    switch self {
    case .noCredentials:
      "keys.source is \"credential\", and CREDENTIALS_DIRECTORY is not set: start the service "
        + "from its systemd unit, which loads the credential"
    case .credentialIsReadOnly(isFirst: true):
      "a credential is read-only: run init with \"keys: {source: file, path: …}\", "
        + "encrypt the key file with systemd-creds, and then set \"source: credential\""
    case .credentialIsReadOnly(isFirst: false):
      "the service cannot make a credential: give it one, with 32 random bytes, and name it with "
        + "cadenas keys rotate kek --to ID"
    case .credentialRemains(let key):
      "the service still gets the credential \(key.text).kek: delete it, remove it from the unit, and "
        + "restart the service"
    case .sharesNeeded:
      "custodians hold the key in shares: it is opened with cadenas unseal --share FILE, and "
        + "replaced with cadenas keys ceremony replace"
    case .ceremonyNeeded:
      "keys.source is \"custodians\": name the plan of the ceremony with --ceremony, and the folder "
        + "for the shares with --shares"
    case .noFormerPath(let key):
      "\(key.text).kek lies, or lay, in the key source before the custodians: set "
        + "\"keys.former_path\" to its directory, and restart the service"
    case .heldByCustodians(let key):
      "custodians hold the key \(key.text) of this store: set \"keys: {source: custodians}\""
    case .notHeldByCustodians(let key):
      "keys.source is \"custodians\", and nobody holds a share of the key \(key.text) of this "
        + "store: start it with the source that has the key, and hold the ceremony with "
        + "cadenas keys ceremony create"
    }
  }
}
