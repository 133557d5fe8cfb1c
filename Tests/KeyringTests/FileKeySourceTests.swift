import Bytes
import Glibc
import RecordFormat
import SecretMemory
import TestSupport
import Testing

@testable import Keyring

@Suite struct FileKeySourceTests {
  private let directory: TemporaryDirectory
  private let identifier = KeyIdentifier(0x0a1b_2c3d)
  private var source: FileKeySource { directory.keys }
  private var path: String { source.place(of: identifier) }

  init() throws { directory = try TemporaryDirectory() }

  private func create() throws -> [UInt8] {
    let key = try SecretBytes.random(count: Keyring.keySize)
    unsafe mkdir(source.directory, 0o700)
    try source.create(identifier, key)
    return key.bytes.array
  }

  /// What loading the key throws.
  private func loadError() -> KeyringError? {
    do {
      _ = try source.load(identifier)
      return nil
    } catch {
      return error
    }
  }

  @Test func `a key that was created is loaded again`() throws {
    let bytes = try create()
    let key = try source.load(identifier)
    let isSame = key.isEqual(to: try SecretBytes(copying: bytes.rawSpan))
    #expect(isSame)
  }

  @Test func `directory and file are the owner's alone`() throws {
    let key = try source.make(besides: [])
    var status = stat()
    #expect(unsafe stat("\(source.directory)/\(key.identifier.text).kek", &status) == 0)
    #expect(status.st_mode & 0o7777 == 0o600)
    #expect(unsafe stat(source.directory, &status) == 0)
    #expect(status.st_mode & 0o7777 == 0o700)
  }

  @Test func `a key is never replaced`() throws {
    let bytes = try create()
    let other = try SecretBytes.random(count: Keyring.keySize)
    #expect(throws: KeyringError.keyFileExists(path: path)) {
      try source.create(identifier, other)
    }
    let kept = try source.load(identifier)
    let isSame = kept.isEqual(to: try SecretBytes(copying: bytes.rawSpan))
    #expect(isSame)
  }

  @Test func `a missing file names key and directory`() throws {
    let missing = KeyringError.keyEncryptionKeyMissing(
      identifier, directory: source.directory)
    #expect(loadError() == missing)
    _ = try create()
    unsafe unlink(path)
    #expect(loadError() == missing)
  }

  @Test(arguments: [0o644, 0o640, 0o660, 0o604, 0o602, 0o700, 0o610] as [UInt32])
  func `a file that others may use is refused`(_ mode: UInt32) throws {
    _ = try create()
    #expect(unsafe chmod(path, mode) == 0)
    #expect(loadError() == .keyFileMode(path: path, mode: mode))
  }

  @Test func `a file that may only be read is accepted`() throws {
    _ = try create()
    #expect(unsafe chmod(path, 0o400) == 0)
    #expect(loadError() == nil)
  }

  @Test(arguments: [0, 31, 33, 4_096])
  func `a file of another size is refused`(_ size: Int) throws {
    _ = try create()
    try TemporaryDirectory.replace(path, count: size)
    #expect(loadError() == .keyFileSize(path: path, size: size))
  }

  @Test func `a symbolic link is not followed`() throws {
    _ = try create()
    let real = directory.path + "/real"
    #expect(unsafe rename(path, real) == 0)
    #expect(unsafe symlink(real, path) == 0)
    #expect(loadError() == .keySource(path: path, errno: ELOOP))
  }

  @Test func `a pipe in the file's place stops nothing`() throws {
    _ = try create()
    unsafe unlink(path)
    #expect(unsafe mkfifo(path, 0o600) == 0)
    #expect(loadError() == .keySource(path: path, errno: EINVAL))
  }

  @Test func `a directory in the file's place is refused`() throws {
    _ = try create()
    unsafe unlink(path)
    #expect(unsafe mkdir(path, 0o700) == 0)
    #expect(loadError() == .keySource(path: path, errno: EINVAL))
  }

  @Test func `a directory that cannot be made is named`() throws {
    let nowhere = FileKeySource(directory: directory.path + "/no/keys")
    #expect(throws: KeyringError.keySource(path: nowhere.directory, errno: ENOENT)) {
      _ = try nowhere.make(besides: [])
    }
  }

  @Test func `the directory is made for the first key, and for no other`() throws {
    #expect(throws: KeyringError.self) { _ = try source.make(besides: [identifier]) }
    #expect(unsafe access(source.directory, F_OK) != 0)
    _ = try source.make(besides: [])
    _ = try source.make(besides: [identifier])
    #expect(TemporaryDirectory.files(in: source.directory).count == 2)
  }
}

/// Who may use a key file: decided without a file.
@Suite struct KeyFileAccessTests {
  private func access(_ mode: UInt32, owner: UInt32 = 1_000, group: UInt32 = 1_000)
    -> KeyFileAccess
  {
    KeyFileAccess(mode: mode, owner: owner, group: group)
  }

  @Test func `a file of the process's user or of root is trusted`() {
    #expect(access(0o600).isTrusted(byProcessOf: 1_000))
    #expect(access(0o600, owner: 0).isTrusted(byProcessOf: 1_000))
    #expect(!access(0o600).isTrusted(byProcessOf: 1_001))
    #expect(!access(0o600).isTrusted(byProcessOf: 0))
  }

  @Test func `only its owner may use a file`() {
    #expect(access(0o600).isPrivate)
    #expect(access(0o400).isPrivate)
    for mode: UInt32 in [0o440, 0o640, 0o604, 0o644, 0o700, 0o777, 0o410, 0o401] {
      #expect(!access(mode).isPrivate)
    }
  }

  @Test func `a credential of systemd is root's file that root's group may read`() {
    #expect(access(0o440, owner: 0, group: 0).isPrivate)
    #expect(!access(0o440, owner: 0).isPrivate)
    #expect(!access(0o440, group: 0).isPrivate)
    #expect(!access(0o640, owner: 0, group: 0).isPrivate)
    #expect(!access(0o444, owner: 0, group: 0).isPrivate)
  }
}
