import HTTPTypes

/// What a browser is told beside a page.
struct PageHeaders: Sendable {
  /// Which page it is, of those that differ.
  enum Kind { case plain, bank, toBank, fromBank }

  /// Origins that may frame the page; none is the default.
  let frameAncestors: [String]

  var isFramed: Bool { !frameAncestors.isEmpty }

  private static let permissions = [
    "accelerometer", "autoplay", "camera", "display-capture", "encrypted-media", "fullscreen",
    "geolocation", "gyroscope", "magnetometer", "microphone", "midi", "picture-in-picture",
    "screen-wake-lock", "usb", "xr-spatial-tracking",
  ]

  func fields(_ kind: Kind, language: String?) -> HTTPFields {
    var fields: HTTPFields = [
      .cacheControl: "no-store", .strictTransportSecurity: "max-age=63072000; includeSubDomains",
      .xContentTypeOptions: "nosniff",
    ]
    Self.set("Content-Security-Policy", policy(kind), in: &fields)
    Self.set("Referrer-Policy", "no-referrer", in: &fields)
    if !isFramed, kind == .plain || kind == .bank {
      Self.set("X-Frame-Options", "DENY", in: &fields)
    }
    Self.set("Cross-Origin-Opener-Policy", "same-origin", in: &fields)
    Self.set("Cross-Origin-Resource-Policy", "same-origin", in: &fields)
    Self.set("X-Robots-Tag", "noindex, nofollow", in: &fields)
    let off = Self.permissions.map { "\($0)=()" }
    let bank =
      kind == .bank
      ? ["publickey-credentials-get=*", "payment=*"]
      : ["publickey-credentials-get=()", "payment=()"]
    Self.set("Permissions-Policy", (off + bank).joined(separator: ", "), in: &fields)
    if let language { fields[.contentLanguage] = language }
    return fields
  }

  private func policy(_ kind: Kind) -> String {
    let ancestors = frameAncestors.isEmpty ? "'none'" : frameAncestors.joined(separator: " ")
    // All frames above count, the shop's too.
    let framed = (["'self'"] + frameAncestors).joined(separator: " ")
    let types = "; require-trusted-types-for 'script'; trusted-types 'none'"
    switch kind {
    case .plain, .bank:
      return "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        + "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors \(ancestors)"
        + (kind == .bank ? "; frame-src 'self' https:" : "") + types
    case .toBank:
      return "default-src 'none'; script-src 'self'; style-src 'self'; form-action https:; "
        + "base-uri 'none'; frame-ancestors \(framed)" + types
    case .fromBank:
      return "default-src 'none'; script-src 'self'; style-src 'self'; base-uri 'none'; "
        + "frame-ancestors \(framed)" + types
    }
  }

  static func set(_ name: String, _ value: String, in fields: inout HTTPFields) {
    if let name = HTTPField.Name(name) { fields[name] = value }
  }
}
