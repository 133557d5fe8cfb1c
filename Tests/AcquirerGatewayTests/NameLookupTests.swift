import Glibc
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import AcquirerGateway

/// How acquirers' names are looked up.
@Suite struct NameLookupTests {
  private let loop = MultiThreadedEventLoopGroup.singleton.any()

  @Test func `a name that hangs holds up nobody else's, and is asked for once`() async throws {
    let isOpen = Atomic(false)
    let asked = Mutex(0)
    let hanging = NameLookup { host, port in
      asked.withLock { $0 += 1 }
      while !isOpen.load(ordering: .relaxed) { sched_yield() }
      return [try SocketAddress(ipAddress: "192.0.2.1", port: port)]
    }
    let waiting = (0..<1_000).map { _ in hanging.addresses(of: "a.example", 443, on: loop) }
    let other = NameLookup { _, port in [try SocketAddress(ipAddress: "192.0.2.2", port: port)] }
    let found = try await other.addresses(of: "b.example", 443, on: loop).get()
    #expect(found.map(\.ipAddress) == ["192.0.2.2"])
    // Nor is an address looked up at all.
    let plain = try await hanging.addresses(of: "2001:db8::1", 443, on: loop).get()
    #expect(plain.map(\.ipAddress) == ["2001:db8::1"])
    isOpen.store(true, ordering: .relaxed)
    for future in waiting {
      #expect(try await future.get().map(\.ipAddress) == ["192.0.2.1"])
    }
    #expect(asked.withLock { $0 } == 1)
    _ = try await hanging.addresses(of: "a.example", 443, on: loop).get()
    #expect(asked.withLock { $0 } == 2, "what was found is not kept")
  }

  @Test func `the system's names are found with their port, and others are not`() async throws {
    let found = try await NameLookup().addresses(of: "localhost", 8443, on: loop).get()
    #expect(found.contains { $0.ipAddress == "127.0.0.1" && $0.port == 8443 })
    await #expect(throws: NameLookup.Failure.self) {
      try await NameLookup().addresses(of: "nobody.invalid", 443, on: loop).get()
    }
  }
}
