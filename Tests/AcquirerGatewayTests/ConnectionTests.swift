import Glibc
import NIOCore
import NIOPosix
import Testing

@testable import AcquirerGateway

/// What stands between the vault and an acquirer before a word is spoken.
extension GatewayTests {
  /// `SO_DEBUG` takes `CAP_NET_ADMIN`, the second is no option at all.
  @Test func `a socket option that is refused fails no payment`() async throws {
    let tls = try certificates.server("bank", asksForCertificate: false)
    let acquirer = try await TestAcquirer(.answer(GatewayTests.approved), tls: tls)
    var limits = GatewayTests.generous
    limits.connectionOptions.options = [
      .init(level: .socket, name: .init(rawValue: SO_DEBUG)),
      .init(level: .tcp, name: .init(rawValue: 0x7FFF)),
    ]
    let gateway = try gateway(port: acquirer.port, limits: limits)
    #expect(try await send(through: gateway) == "approved transaction=T1")
    try await acquirer.close()
  }

  @Test func `what is asked of a socket is set, and a refusal is only waited for`() async throws {
    let acquirer = try await TestAcquirer(.neverAnswer, tls: nil)
    let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .channelOption(.tcpOption(.tcp_nodelay), value: 0)
      .connect(host: "127.0.0.1", port: acquirer.port).get()
    var wishes = ConnectionOptions()
    #expect(wishes.options == [.init(level: .tcp, name: .tcp_nodelay)])
    wishes.options.insert(.init(level: .tcp, name: .init(rawValue: 0x7FFF)), at: 0)
    try await wishes.ask(of: channel).get()
    #expect(try await channel.getOption(.tcpOption(.tcp_nodelay)).get() != 0)
    await #expect(throws: IOError.self) {
      try await channel.setOption(wishes.options[0], value: 1).get()
    }
    try await channel.close()
    try await acquirer.close()
  }
}
