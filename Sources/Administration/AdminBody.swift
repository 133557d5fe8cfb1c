package import SecretMemory

/// The body of a request, in secret memory: it may hold what somebody typed without echo.
package final class AdminBody: Sendable {
  private let secret: SecretBytes

  /// Takes a body over.
  package init(_ secret: consuming SecretBytes) { self.secret = secret }

  /// How many bytes it has.
  package var count: Int { secret.count }

  /// Lends the bytes to `body`.
  package func withBytes<Result: ~Copyable, Failure: Error>(
    _ body: (RawSpan) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try lend(secret, to: body)
  }
}

// The compiler follows the lifetime of a borrowed parameter, not yet that of a stored property.
private func lend<Result: ~Copyable, Failure: Error>(
  _ secret: borrowing SecretBytes, to body: (RawSpan) throws(Failure) -> Result
) throws(Failure) -> Result {
  try body(secret.bytes)
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
    guard let base = bytes.baseAddress, unsafe !bytes.isEmpty else { return true }
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
    guard let buffer, count > 0 else { return nil }
    do {
      return try lend(buffer.secret) { bytes in
        AdminBody(try SecretBytes(copying: bytes.extracting(0..<count)))
      }
    } catch { return nil }
  }
}
