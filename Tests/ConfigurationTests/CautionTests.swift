import ConfigurationReading
import TestSupport
import Testing

@Suite struct CautionTests {
  private func cautions(_ configuration: String) throws -> [String] {
    let directory = try MistakeTests.directory()
    let path = try directory.write("cadenas.yaml", configuration)
    return try ServiceConfiguration.load(path: path).cautions
      .map { $0.text.replacing(directory.path + "/", with: "DIR/") }
  }

  private let host = """
    store: {path: store, map_size: 1MiB}
    tls: {certificate: server.pem, private_key: server.key}

    """

  @Test func `a configuration without anything to say about it has no caution`() throws {
    let text = try cautions(
      host + """
        keys: {source: credential}
        administration: {socket: admin.sock, approvals: {destroy: 2, forget: 2, archive: 2, ceremony: 2}}
        audit: {checkpoint_file: checkpoint}
        merchants:
          shop:
            number: 1
            clients: ["spiffe://shop.example/checkout"]
            client_ca: ca.pem
            client_crl: server.pem
            operations: [delete]
        acquirers:
          north:
            pull:
              clients: ["spiffe://north/a"]
              client_ca: ca.pem
              quotas: {detokenize_per_minute: 10}
        """)
    #expect(text == [])
  }

  @Test func `custodians who are not named are said to be anybody with a role`() throws {
    func texts(_ more: String) throws -> [String] {
      try cautions(
        host + """
          keys: {source: custodians}
          audit: {checkpoint_file: checkpoint}
          administration: {socket: admin.sock, approvals: {destroy: 2, forget: 2, archive: 2, ceremony: 2}\(more)}
          merchants:
            shop:
              number: 1
              clients: ["spiffe://shop.example/checkout"]
              client_ca: ca.pem
              client_crl: server.pem
              operations: [delete]
          """)
    }
    #expect(try texts("") == ["no custodians are named, so operators and auditors enter shares"])
    #expect(try texts(", custodians: [lp]") == [])
  }

  @Test func `a clock that nobody looks at is said`() throws {
    let text = try cautions(
      host + """
        keys: {source: credential}
        administration: {socket: admin.sock, approvals: {destroy: 2, forget: 2, archive: 2, ceremony: 2}}
        audit: {checkpoint_file: checkpoint}
        clock: {synchronized: none}
        """)
    #expect(
      text == ["nobody looks whether the clock is synchronized (clock.synchronized: none)"])
  }

  @Test func `what deserves attention is said, each once`() throws {
    let text = try cautions(
      host + """
        development: true
        keys: {source: file, path: keys}
        administration: {socket: admin.sock}
        audit: {keep_at_hand: 89d}
        limits: {connections: 100, connections_by_client: 100}
        merchants:
          one: {number: 1, clients: ["spiffe://one/a"], client_ca: ca.pem, operations: [delete]}
          two: {number: 2, clients: ["spiffe://two/a"], client_ca: ca.pem, operations: [delete]}
        acquirers:
          north: {pull: {clients: ["spiffe://north/a"], client_ca: ca.pem}}
        """)
    #expect(
      text == [
        "development keys are accepted",
        "the key-encryption key is a clear file in DIR/keys, which is not one of the forms that "
          + "PCI DSS 3.6.1.2 allows",
        "entries of the audit log may be archived before they are three months old, and PCI DSS "
          + "10.5.1 wants three months at hand",
        "no checkpoint of the audit log is kept elsewhere: a store that is put back to an earlier state "
          + "would start as if nothing had happened",
        "one person alone can destroy a key",
        "one person alone can say that a backup is destroyed",
        "one person alone can remove entries of the log that are archived",
        "one person alone can put other custodians in place by a ceremony",
        "the clients of acquirer \"north\" may read cards as fast as they can: one that is stolen reads "
          + "all of them at once",
        "one client can take every connection: limits.connections_by_client (100) is not below "
          + "limits.connections (100)",
        "one merchant can take every connection: limits.connections_by_merchant (2048) is not below "
          + "limits.connections (100)",
      ])
  }
}
