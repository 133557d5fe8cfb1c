import NIOCore
import SecretMemory

/// Overwrites everything that a buffer's storage holds, for everybody who still refers to it.
///
/// Only for a buffer that nobody reads any more: a message once its write has completed, when TLS
/// has encrypted it, or an answer once it has been read.
func wipeStorage(of buffer: ByteBuffer) {
  unsafe buffer.withVeryUnsafeBytes { bytes in
    // The storage is the buffer's own allocation, never constant memory. Through the mutating
    // accessor a shared storage would be copied first, and the copy wiped.
    unsafe wipe(UnsafeMutableRawBufferPointer(mutating: bytes))
  }
}
