import HTTPTypes
import Hummingbird
import NIOCore

/// What a request of a browser carries.
struct ShopperContext: RequestContext {
  var coreContext: CoreRequestContextStorage
  /// Where the connection comes from.
  let remoteAddress: String?

  init(source: ApplicationRequestContextSource) {
    coreContext = .init(source: source)
    remoteAddress = source.channel.remoteAddress?.ipAddress
  }

  var maxUploadSize: Int { 16 << 10 }

  /// The shopper's address: of the connection, or what a proxy that is trusted says.
  func address(of request: Request, trusting proxies: Set<PeerAddress>) -> PeerAddress {
    let peer = remoteAddress.flatMap { PeerAddress($0) } ?? PeerAddress.none
    guard proxies.contains(peer), let name = HTTPField.Name("X-Forwarded-For"),
      let last = request.headers[values: name].last?.split(separator: ",").last
    else { return peer }
    return PeerAddress(String(last)) ?? peer
  }
}

/// The cookie that makes a browser the first one: a secret that stays, and a part that changes with each
/// answer, without which Chromium puts a page with a typed number back out of its memory.
struct BrowserCookie {
  static let name = "__Host-page"

  /// 26 digits.
  let secret: String

  init(secret: String) { self.secret = secret }

  /// Reads what a browser has sent.
  init?(_ request: Request) {
    for header in request.headers[values: .cookie] {
      for part in header.split(separator: ";") {
        let pair = part.split(separator: "=", maxSplits: 1)
        guard pair.count == 2, pair[0].filter({ $0 != " " }) == Self.name else { continue }
        let secret = pair[1].prefix(26)
        guard Identifiers.isAddress(secret) else { continue }
        self.secret = String(secret)
        return
      }
    }
    return nil
  }

  /// The header that sets it.
  func header(fresh: String, isFramed: Bool) -> String {
    "\(Self.name)=\(secret).\(fresh); Path=/; Secure; HttpOnly; "
      + (isFramed ? "SameSite=None; Partitioned" : "SameSite=Lax")
  }
}
