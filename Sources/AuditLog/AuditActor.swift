/// Who does something, and from where: the members `actor` and `origin` of an entry.
package struct AuditActor: Equatable, Sendable {
  /// A client's SPIFFE URI, `user:NAME` for an operator or auditor, `system`, or `unknown`.
  package let name: String
  /// `ADDRESS:PORT` of a client; for a user `account=… login=… terminal=…`, see ``UserOrigin``; nil
  /// for what the vault does by itself, and where it is not known.
  package let origin: String?

  /// Somebody, and where they are.
  package init(_ name: String, from origin: String? = nil) {
    self.name = name
    self.origin = origin
  }

  /// The account that a user has logged in as, which is the person where the other is a shared one; nil where it
  /// is not known, and for clients.
  package var login: String? { Self.login(in: origin) }

  /// The same of an entry's member `origin`.
  package static func login(in origin: String?) -> String? {
    let word = origin?.split(separator: " ").first { $0.hasPrefix("login=") }
    guard let name = word?.dropFirst("login=".count), name != "none", name != "unknown" else {
      return nil
    }
    return String(name)
  }

  /// Somebody who came with a certificate and is not served, whatever it said of its holder.
  package static func stranger(from origin: String?) -> AuditActor {
    AuditActor("unknown", from: origin)
  }

  /// What the vault notes on its own, such as a clock that went backwards.
  package static let system = AuditActor("system")
}

extension AuditActor: ExpressibleByStringLiteral {
  package init(stringLiteral name: String) { self.init(name) }
}
