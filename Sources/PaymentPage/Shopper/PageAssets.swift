import Bytes
import Cryptography

/// The files that pages refer to: their names change with their content, so that browsers keep them.
struct PageAssets: Sendable {
  struct File: Sendable {
    let bytes: [UInt8]
    /// The same, compressed with gzip beforehand; nil for what is not worth it.
    let compressed: [UInt8]?
    let type: String
  }

  let css: String
  let js: String
  let icon: String
  let cssIntegrity: String
  let jsIntegrity: String
  private let files: [String: File]

  init() {
    var files: [String: File] = [:]
    func add(
      _ name: String, _ ending: String, _ bytes: [UInt8], _ compressed: [UInt8]?, _ type: String
    ) -> String {
      let file = "\(name).\(Digest256.sha256(bytes.rawSpan).hex.prefix(16)).\(ending)"
      files[file] = File(bytes: bytes, compressed: compressed, type: type)
      return "/a/\(file)"
    }
    css = add(
      "page", "css", PackageResources.page_css, PackageResources.page_css_gz,
      "text/css; charset=utf-8")
    js = add(
      "page", "js", PackageResources.page_js, PackageResources.page_js_gz,
      "text/javascript; charset=utf-8")
    icon = add("icon", "svg", PackageResources.icon_svg, nil, "image/svg+xml")
    cssIntegrity = Self.integrity(PackageResources.page_css)
    jsIntegrity = Self.integrity(PackageResources.page_js)
    self.files = files
  }

  func file(_ name: String) -> File? { files[name] }

  /// - Source: Subresource Integrity, 3.1.
  private static func integrity(_ bytes: [UInt8]) -> String {
    "sha256-" + Base64.encode(Digest256.sha256(bytes.rawSpan).bytes)
  }
}
