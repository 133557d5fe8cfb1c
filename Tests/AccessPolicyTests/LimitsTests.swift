import AccessPolicy
import Testing

@Suite struct LimitsTests {
  @Test func `the defaults are those of the design`() {
    let values = Dictionary(
      uniqueKeysWithValues: Limits.entries.map { ($0.name, $0.value(in: Limits())) })
    #expect(
      values == [
        "body_bytes": 4_096, "detokenize_body_bytes": 16_384, "header_bytes": 8_192,
        "acquirer_answer_bytes": 65_536,
        "connections": 4_096, "handshakes": 512, "connections_by_client": 1_024,
        "connections_by_merchant": 2_048, "writer_queue": 4_096, "batch": 512,
        "handshake_seconds": 5,
        "header_seconds": 10, "body_seconds": 10, "idle_seconds": 60,
        "acquirer_messages": 1_024, "acquirer_connect_seconds": 5,
        "acquirer_connections_kept": 64, "acquirer_connection_seconds": 600,
        "acquirer_connection_idle_seconds": 30, "acquirer_connections_warm": 2,
        "acquirer_answer_seconds": 30, "drain_seconds": 30, "refusals_stored_per_minute": 60,
        "same_digits_per_hour": 10, "same_digits_pairs": 1_048_576,
      ])
  }

  @Test func `every default lies within its bounds`() {
    for entry in Limits.entries {
      #expect(entry.bounds.contains(entry.value(in: Limits())), "\(entry.name)")
    }
  }

  @Test func `each entry changes its own limit and no other`() {
    for entry in Limits.entries {
      var limits = Limits()
      entry.assign(entry.bounds.upperBound, in: &limits)
      for other in Limits.entries {
        let expected =
          other.name == entry.name ? entry.bounds.upperBound : other.value(in: Limits())
        #expect(other.value(in: limits) == expected, "\(entry.name) and \(other.name)")
      }
    }
  }

  @Test func `secret memory holds all that may be in flight, however few connections there are`() {
    var limits = Limits()
    #expect(limits.secretSlots == 2 * 4_096 + 4_096 + 512 + 2 * 1_024)
    limits.connections = 1
    limits.acquirerMessages = 16_384
    limits.writerQueue = 1
    limits.batch = 1
    // Each payment that waits for its acquirer holds number and code, also when its client has gone.
    #expect(limits.secretSlots == 2 + 1 + 1 + 2 * 16_384)
  }
}
