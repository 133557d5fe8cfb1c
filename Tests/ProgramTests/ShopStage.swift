import Bytes
import Cryptography
import Glibc
import NIOHTTP1
import Testing

@testable import cadenas_dev

/// A program of this package that says in one line of JSON where it listens, for the length of a test.
struct ListeningProgram {
  let child: ChildProcess
  /// The line.
  let line: JSONMembers
  private let output: Int32

  /// Starts `cadenas-dev ARGUMENT…` and waits until it answers. What it says before that line is passed over.
  init(_ arguments: [String]) throws {
    let programs = try Account.programs
    (child, output) = try ChildProcess.spawn(
      programs.account + [programs.development] + arguments, name: arguments[0])
    var text: [UInt8] = []
    var byte: UInt8 = 0
    while unsafe read(output, &byte, 1) == 1, byte != UInt8(ascii: "\n") { text.append(byte) }
    line = try JSONMembers(text)
  }

  /// Asks it to stop, and tells how it ended and what it has said since.
  func stop() -> (status: cadenas_dev.ExitStatus, said: String) {
    child.send(SIGTERM)
    let said = ChildProcess.drain(output)
    close(output)
    return (child.wait(), said)
  }
}

/// The shop as a process, before a page that answers what the test wants.
struct ShopStage {
  static let secret = "a secret of this test"

  let page: FakePage
  let browser: ShopBrowser
  let shop: String

  /// Runs `body` with a shop.
  static func run(
    _ options: [String] = [], _ body: (ShopStage) throws -> Void
  ) throws {
    try withScratchDirectory { directory in
      let pki = "\(directory)/pki"
      try DevelopmentPKI.make(in: pki)
      try Account.write(Array("\(secret)\n".utf8), to: "\(directory)/secret")
      _ = try? ChildProcess.run(["chown", "-R", try Account.name, directory])
      let material = TLSMaterial(directory: pki)
      let page = try FakePage.start(with: material)
      defer { page.stop() }
      let program = try ListeningProgram(
        [
          "shop", "--pki", pki, "--page-shops", page.endpoint.url, "--page-public",
          "https://pay.example", "--secret-file", "\(directory)/secret", "--control",
        ] + options.map { $0.replacing("PAGE", with: page.endpoint.url) })
      let shop = program.line["shop"] ?? ""
      let browser = ShopBrowser(
        client: try HTTPSClient(to: Endpoint(shop), as: "stranger", of: material, trusting: "ca"))
      try body(ShopStage(page: page, browser: browser, shop: shop))
      let end = program.stop()
      guard end.status == .exited(0), end.said.isEmpty else {
        throw Stage.Failed("the shop ended with \(end.status): \(end.said)")
      }
    }
  }

  /// Sends a notification, signed as the page does unless the test says otherwise.
  func notify(
    _ document: String, at time: Int64 = ShopData.now, secret: String = secret,
    signed: String? = nil
  ) throws -> Int {
    let signature = PaymentSignature(secret: Array(secret.utf8))
    let code = signature.code(of: Array("\(time).\(signed ?? document)".utf8))
    return try browser.client.send(
      .POST, "/payments", headers: [("Cadenas-Signature", "t=\(time),v1=\(code)")], body: document
    ).status
  }

  /// The query with which the page sends a browser back.
  static func query(payment: String, state: String, secret: String = secret) -> String {
    let time = ShopData.now
    let code = PaymentSignature(secret: Array(secret.utf8))
      .code(of: Array("\(payment).\(state).\(time)".utf8))
    return "payment=\(payment)&state=\(state)&t=\(time)&signature=\(code)"
  }

  /// Orders a scarf, and gives the order's reference.
  @discardableResult
  func order() throws -> String {
    try browser.post("/basket/add", "product=scarf")
    try browser.post("/checkout", "form=\(try browser.form())")
    let body = page.requests.last { $0.method == .POST }?.body ?? []
    return try #require(try JSONMembers(body)["reference"])
  }

  /// A document of the page.
  static func document(
    _ reference: String, state: String, sequence: Int? = nil, value: Int = 3_990,
    card: String? = nil, payment: String = "pp_1", more: String = ""
  ) -> String {
    let card = card.map { #","method":"card","card":\#($0)"# } ?? ""
    let sequence = sequence.map { #","sequence":\#($0)"# } ?? ""
    return """
      {"payment":"\(payment)","reference":"\(reference)","amount":{"value":\(value),"currency":"EUR"},\
      "state":"\(state)"\(card)\(sequence)\(more),"attempts":[]}
      """
  }

  static let visa =
    #"{"brand":"visa","scheme":"cb","last4":"8183","exp_month":12,"exp_year":2035,"token":null}"#
}

/// A browser without a screen: it keeps cookies.
final class ShopBrowser {
  let client: HTTPSClient
  private var cookies: [String: String] = [:]

  init(client: HTTPSClient) { self.client = client }

  func get(_ path: String) throws -> HTTPAnswer { try send(.GET, path, nil) }

  @discardableResult
  func post(_ path: String, _ form: String, headers: [(String, String)] = []) throws -> HTTPAnswer {
    try send(.POST, path, form, headers)
  }

  /// The page at `path` as text.
  func page(_ path: String) throws -> String { String(decoding: try get(path).body, as: UTF8.self) }

  /// The form token of the basket.
  func form() throws -> String {
    let page = try page("/basket")
    let parts = page.split(separator: #"name="form" value=""#)
    return parts.count == 2 ? String(parts[1].prefix(32)) : ""
  }

  /// A browser that has none of these cookies.
  func other() -> ShopBrowser { ShopBrowser(client: client) }

  private func send(
    _ method: HTTPMethod, _ path: String, _ form: String?, _ more: [(String, String)] = []
  ) throws -> HTTPAnswer {
    var headers = more + [("Accept-Language", "en-GB")]
    if form != nil { headers.append(("Content-Type", "application/x-www-form-urlencoded")) }
    if !cookies.isEmpty {
      headers.append(("Cookie", cookies.map { "\($0.key)=\($0.value)" }.joined(separator: "; ")))
    }
    let answer = try client.send(method, path, headers: headers, body: form)
    for cookie in answer.headers["Set-Cookie"] {
      let pair = cookie.prefix { $0 != ";" }.split(separator: "=", maxSplits: 1)
      if pair.count == 2 { cookies[String(pair[0])] = String(pair[1]) }
    }
    return answer
  }
}
