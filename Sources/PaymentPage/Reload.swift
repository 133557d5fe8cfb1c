import Cards
import ConfigurationReading
import Logging
import NIOCore
import NIOSSL
import ServiceLifecycle
import Synchronization
import UnixSignals

/// Something that a reload replaces while others use it.
final class Reloadable<Value: Sendable>: Sendable {
  private let held: Mutex<Value>

  init(_ value: Value) { held = Mutex(value) }

  var value: Value { held.withLock { $0 } }

  /// - Returns: what was there before.
  @discardableResult
  func replace(with value: Value) -> Value {
    held.withLock { held in
      let before = held
      held = value
      return before
    }
  }
}

/// A certificate chain and its key, as TLS takes them.
struct ListenerPair: Sendable {
  let chain: [NIOSSLCertificateSource]
  let key: NIOSSLPrivateKeySource

  init(_ listener: PageConfiguration.Listener) throws {
    chain = try NIOSSLCertificate.fromPEMFile(listener.certificatePath).map { .certificate($0) }
    key = .privateKey(try NIOSSLPrivateKey(file: listener.privateKeyPath, format: .pem))
  }
}

extension Reloadable where Value == ListenerPair {
  /// A server's configuration that shows the pair of the moment to each connection.
  func serverConfiguration(least: TLSVersion = .tlsv12) -> TLSConfiguration {
    let pair = value
    var configuration = TLSConfiguration.makeServerConfiguration(
      certificateChain: pair.chain, privateKey: pair.key)
    configuration.minimumTLSVersion = least
    configuration.sslContextCallback = { [self] _, promise in
      let pair = value
      var override = NIOSSLContextConfigurationOverride()
      override.certificateChain = pair.chain
      override.privateKey = pair.key
      promise.succeed(override)
    }
    return configuration
  }
}

/// What `SIGHUP` replaces: certificates, brands, merchants with their identities and their ways to the vault.
/// Addresses, store and administration stay as they were at the start.
struct PageReload: Service {
  let service: PageService

  @concurrent func run() async throws {
    for await _ in await UnixSignalsSequence(trapping: .sighup).cancelOnGracefulShutdown() {
      do {
        let configuration = try PageConfiguration.load(path: service.configuration.file)
        try service.adopt(configuration)
        service.logger.notice("configuration reloaded")
      } catch let error as ConfigurationError {
        for diagnostic in error.diagnostics {
          service.logger.error(
            "the configuration is not reloaded", metadata: ["reason": "\(diagnostic)"])
        }
      } catch {
        service.logger.error(
          "the configuration is not reloaded", metadata: ["reason": "\(error)"])
      }
    }
  }
}

extension PageService {
  /// How long what was replaced serves those who began with it.
  private static let grace: UInt64 = 600

  /// Puts a configuration in force, or nothing of it.
  func adopt(_ new: PageConfiguration) throws {
    let publicPair = try ListenerPair(new.public)
    let shopsPair = try ListenerPair(new.shops)
    let shops = try ShopIdentities(new.merchants, unixSeconds: unixSeconds)
    // The last that can fail, since what it has made is to be shut down.
    let merchants = try Self.merchants(new, logger)
    self.publicPair.replace(with: publicPair)
    self.shopsPair.replace(with: shopsPair)
    brands.replace(with: new.brands)
    identities.replace(with: shops)
    let before = engine.current.replace(with: merchants)
    Task {
      try? await Task.sleep(nanoseconds: Self.grace * 1_000_000_000)
      for merchant in before.values { await merchant.shutdown() }
    }
  }
}
