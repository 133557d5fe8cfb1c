import Glibc
import SystemCalls
import Testing

@testable import cadenas
@testable import cadenas_dev

/// A service that tells this user nothing: what `check` makes of it.
@Suite struct UnseenServiceTests {
  /// Answers every request on a socket in the same way, on a thread of its own.
  private final class Refusal: Sendable {
    private let descriptor: Int32

    init(_ path: String) throws {
      let descriptor = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
      self.descriptor = descriptor
      var address = sockaddr_un()
      address.sun_family = sa_family_t(AF_UNIX)
      unsafe withUnsafeMutableBytes(of: &address.sun_path) { target in
        unsafe target.copyBytes(from: Array(path.utf8))
      }
      let status = unsafe withUnsafePointer(to: &address) { pointer in
        unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          unsafe bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
      }
      guard status == 0, listen(descriptor, 16) == 0 else { throw Stage.Failed("no socket") }
      let body =
        #"{"type":"urn:cadenas:problem:not-permitted","title":"not-permitted","status":403,"detail":"no"}"#
      let answer = Array(
        ("HTTP/1.1 403 Forbidden\r\nContent-Type: application/problem+json\r\nContent-Length: "
          + "\(body.utf8.count)\r\nConnection: close\r\n\r\n" + body).utf8)
      _ = try WorkerThread(named: "refusal") {
        while true {
          let connection = accept(descriptor, nil, nil)
          guard connection >= 0 else { return }
          var request = [UInt8](repeating: 0, count: 4_096)
          _ = unsafe recv(connection, &request, request.count, 0)
          _ = unsafe send(connection, answer, answer.count, Int32(MSG_NOSIGNAL))
          close(connection)
        }
      }
    }

    deinit {
      shutdown(descriptor, Int32(SHUT_RDWR))
      close(descriptor)
    }
  }

  @Test func `nothing of it is called good, and what was not seen is said`() throws {
    try withScratchDirectory { directory in
      let house = try DevelopmentHouse(directory)
      let refusal = try Refusal("\(directory)/admin.sock")
      let configuration = try house.configuration()
      let store = StoreCheckup(configuration: configuration).run()
      #expect(store.isRunning)
      #expect(!store.findings.contains { $0.area == .keys && $0.severity == .ok })
      #expect(store.findings.contains { $0.area == .keys && $0.isUnseen })
      let host = HostCheck(configuration: configuration).run()
      #expect(host.contains { $0.isUnseen && $0.text.contains("may lock and open is not known") })
      #expect(!host.contains { $0.severity == .ok && $0.text.contains("RLIMIT") })
      withExtendedLifetime(refusal) {}
    }
  }
}
