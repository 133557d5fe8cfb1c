import Bytes
import Glibc
import Keyring
import RecordFormat
import Storage

@testable import cadenas_dev

/// Looks for the bytes of keys in memory and files.
struct SecretSearch: Sendable {
  /// What is looked for, by name.
  let secrets: [(name: String, bytes: [UInt8])]

  /// The names of those that are in `bytes`.
  func names(in bytes: [UInt8]) -> Set<String> {
    Set(secrets.filter { Self.holds(bytes, $0.bytes) }.map(\.name))
  }

  private static func holds(_ bytes: [UInt8], _ secret: [UInt8]) -> Bool {
    unsafe bytes.withUnsafeBytes { buffer in
      guard let base = buffer.baseAddress, let first = secret.first else { return false }
      var offset = 0
      while offset + secret.count <= buffer.count,
        let found = unsafe memchr(
          base + offset, Int32(first), buffer.count - secret.count - offset + 1)
      {
        if unsafe memcmp(found, secret, secret.count) == 0 { return true }
        offset = unsafe UnsafeRawPointer(found) - base + 1
      }
      return false
    }
  }

  /// The names of those that are in a file of `directory`.
  func names(inFilesOf directory: String) throws -> Set<String> {
    var found: Set<String> = []
    for file in try ChildProcess.run(["find", directory, "-type", "f"]).split(separator: "\n") {
      found.formUnion(names(in: try DevelopmentFiles.read(String(file))))
    }
    return found
  }

  /// The names of those that are in the memory of a process: in pages that it may not read itself
  /// too, as guarded memory is.
  ///
  /// - Parameter besidesLocked: leaves out what is locked, as secret memory is.
  func names(inMemoryOf process: pid_t, besidesLocked: Bool = false) throws -> Set<String> {
    let path = "/proc/\(process)/mem"
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw DevelopmentError.system(path) }
    defer { close(descriptor) }
    let overlap = (secrets.map(\.bytes.count).max() ?? 1) - 1
    var chunk = [UInt8](repeating: 0, count: 1 << 20)
    var found: Set<String> = []
    let locked = besidesLocked ? try ProcessMemory.lockedStarts(of: process) : []
    for mapping in try ProcessMemory(of: process, readable: false).mappings
    where !locked.contains(mapping.range.lowerBound) {
      var start = mapping.range.lowerBound
      while start < mapping.range.upperBound {
        let wanted = Int(min(UInt64(chunk.count), mapping.range.upperBound - start))
        let count = unsafe pread(descriptor, &chunk, wanted, off_t(truncatingIfNeeded: start))
        guard count > 0 else {
          start = (start | 0xfff) + 1
          continue
        }
        found.formUnion(names(in: Array(chunk[..<count])))
        let isLast = count < wanted || start + UInt64(count) >= mapping.range.upperBound
        start += UInt64(isLast || count <= overlap ? count : count - overlap)
      }
    }
    return found
  }
}

extension Stage {
  /// The secrets of every key of the installation, by role and identifier, and the wrapping of the
  /// keyring: what a test looks for. It works on a copy, since the store is the service's.
  func secrets() throws -> SecretSearch {
    let copy = try DevelopmentFiles.makeTemporaryDirectory(prefix: "cadenas-copy")
    defer { _ = try? ChildProcess.run(["rm", "-rf", copy]) }
    try ChildProcess.run(["cp", "-r", "\(directory)/store", "\(directory)/keys", copy])
    let store = try Store.open(
      at: "\(copy)/store", mapSize: 1 << 30, options: Store.Options(isReadOnly: true))
    let keyring = try KeyringStore.open(in: store, source: FileKeySource(directory: "\(copy)/keys"))
    var secrets: [(name: String, bytes: [UInt8])] = []
    for entry in keyring.entries {
      guard let material = entry.material else { continue }
      secrets.append(
        (
          "\(entry.role.name) \(entry.identifier.text)",
          material.withUnprotectedKeyBytes(Self.bytes(of:))
        ))
    }
    let kek = keyring.keyEncryptionKeyIdentifier.text
    secrets.append(("kek \(kek)", try DevelopmentFiles.read("\(copy)/keys/\(kek).kek")))
    let row = Array("keyring".utf8)
    let wrapping = try store.read { transaction -> [UInt8] in
      guard let wrapping = try transaction.get(row.rawSpan, in: .keyring) else { return [] }
      return Self.bytes(of: wrapping)
    }
    secrets.append(("wrapping", Array(wrapping.suffix(64))))
    return SecretSearch(secrets: secrets)
  }

  private static func bytes(of span: RawSpan) -> [UInt8] {
    span.array
  }
}
