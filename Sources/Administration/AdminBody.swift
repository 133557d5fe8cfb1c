package import SecretMemory

/// The body of a request, in secret memory: it may hold what somebody typed without echo.
package final class AdminBody: Sendable {
  /// The bytes.
  package let secret: SecretBytes

  /// Takes a body over.
  package init(_ secret: consuming SecretBytes) { self.secret = secret }
}

/// Collects a body as it comes, in secret memory from the first byte on.
struct BodyCollector {
  private final class Buffer {
    var secret: SecretBytes
    init() throws(SecretMemoryError) {
      secret = try SecretBytes(count: AdminServer.Limits.bodyBytes)
    }
  }

  private var buffer: Buffer?
  private var count = 0

  /// Takes more of it; false where it is longer than a body may be, or memory cannot be had.
  mutating func append(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard let base = unsafe bytes.baseAddress, !bytes.isEmpty else { return true }
    guard bytes.count <= AdminServer.Limits.bodyBytes - count else { return false }
    if buffer == nil { buffer = try? Buffer() }
    guard let buffer else { return false }
    let start = count
    unsafe buffer.secret.withMutableBytes { target in
      unsafe UnsafeMutableRawBufferPointer(rebasing: target[start...])
        .copyMemory(from: UnsafeRawBufferPointer(start: base, count: bytes.count))
    }
    count += bytes.count
    return true
  }

  /// The whole body; nil where there is none, or memory cannot be had.
  func body() -> AdminBody? {
    guard let buffer, count > 0,
      let secret = try? SecretBytes(copying: buffer.secret.bytes.extracting(0..<count))
    else { return nil }
    return AdminBody(secret)
  }
}
