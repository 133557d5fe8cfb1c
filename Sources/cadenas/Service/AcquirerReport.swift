import AcquirerGateway
import Administration
import Cryptography
import JSON
import NIOCore
import VaultCore

/// What `acquirers` and `acquirers test` tell.
struct AcquirerReport: Sendable {
  let gateway: Gateway
  let condition: ServiceCondition

  /// Writes the member `acquirers`: those of the configuration in force.
  func write(to json: inout JSONWriter) {
    let (counts, connections) = (gateway.counts, gateway.connections)
    json.member("acquirers", objects: condition.routes.listing) { json, acquirer in
      json.member("name", string: acquirer.name)
      json.member("url", string: acquirer.url)
      json.member("server_name", string: acquirer.serverName)
      json.member("operations", strings: acquirer.operations)
      json.member("idempotent_by", string: acquirer.isIdempotent ? "payment_id" : nil)
      Self.write(counts[acquirer.name] ?? GatewayCounts(), to: &json)
      Self.write(connections[acquirer.name] ?? ConnectionCounts(), to: &json)
    }
  }

  private static func write(_ counts: GatewayCounts, to json: inout JSONWriter) {
    json.member("messages", objects: counts.rows) { json, row in
      json.member("outcome", string: row.outcome)
      json.member("cause", string: row.cause)
      json.member("count", integer: row.count)
    }
    json.member("p50_milliseconds", integer: counts.durations.bound(of: 0.5).map { $0 / 1_000 })
    json.member("p99_milliseconds", integer: counts.durations.bound(of: 0.99).map { $0 / 1_000 })
  }

  private static func write(_ counts: ConnectionCounts, to json: inout JSONWriter) {
    json.name("connections")
    json.object { json in
      json.member("open", integer: counts.open)
      json.member("idle", integer: counts.idle)
      json.member("opened", integer: counts.opened)
      json.member("failed", integer: counts.failed)
      json.member("last_failure", string: counts.lastFailure)
      json.member("reused", integer: counts.reused)
      json.member("repeated", integer: counts.repeated)
      let closed = ConnectionEnd.allCases.map { ($0.rawValue, counts.closed[$0] ?? 0) }
      json.member("closed", objects: closed.filter { $0.1 > 0 }) { json, row in
        json.member("cause", string: row.0)
        json.member("count", integer: row.1)
      }
    }
  }

  /// Opens a connection and looks at it; waits for that.
  ///
  /// - Returns: the document; nil where no such acquirer takes payments.
  func test(_ name: String) throws -> [UInt8]? {
    guard let looking = gateway.look(at: name, of: condition.routes) else { return nil }
    let sighting = try looking.wait()
    return JSONWriter.document { json in
      json.member("name", string: name)
      json.member("url", string: sighting.url)
      json.member("usable", boolean: sighting.problem == nil)
      json.member(
        "problem",
        string: sighting.problem?.remedy(
          of: name, at: sighting.url, named: sighting.serverName))
      json.member("version", string: sighting.version)
      json.member("cipher_suite", string: sighting.suite)
      json.member("server_name", string: sighting.serverName)
      json.member("name_matches", boolean: sighting.isNamed)
      json.member("milliseconds", integer: sighting.milliseconds)
      json.member("chain", objects: sighting.chain) { json, shown in
        json.member("subject", string: shown.description.subject)
        json.member("dns_names", strings: shown.dnsNames)
        json.member("key_type", string: shown.description.keyType)
        json.member("key_bits", integer: shown.description.keyBits)
        json.member("not_before", unixMilliseconds: shown.description.notBefore * 1_000)
        json.member("not_after", unixMilliseconds: shown.description.notAfter * 1_000)
        json.member("sha256", string: shown.description.fingerprint.hex)
      }
    }
  }
}
