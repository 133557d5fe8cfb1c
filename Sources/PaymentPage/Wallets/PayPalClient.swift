import AsyncHTTPClient
import Bytes
import ConfigurationReading
import Cryptography
import Foundation
import JSON
import NIOCore
import NIOHTTP1
import SecretMemory
import Synchronization

/// PayPal's Orders interface, version 2. No card number exists there, and the vault takes no part.
///
/// Each question that changes something bears a `PayPal-Request-Id`, so that asking again does nothing
/// twice.
/// - Source: developer.paypal.com, Orders v2.
final class PayPalClient: Sendable {
  /// What became of a question.
  enum Answer: Sendable {
    case done([UInt8])
    /// Refused, by the name of the issue: nothing was done.
    case refused(issue: String)
    /// Nothing was sent.
    case notSent
    /// It may have been done.
    case lost
  }

  struct Order: Sendable {
    let id: String
    let status: String
    /// Where the shopper approves.
    let approval: String?
    /// Of the first capture.
    let captureID: String?
    let captureStatus: String?

    init?(_ body: [UInt8]) {
      guard let document = try? JSONDocument(body.rawSpan, maximumDepth: 16, maximumNodes: 2_048)
      else { return nil }
      let root = document.root
      func text(_ name: String, _ node: JSONDocument.Node) -> String? {
        document.presentMember(name, of: node).flatMap { document.string(of: $0) }
      }
      guard let id = text("id", root), let status = text("status", root) else { return nil }
      self.id = id
      self.status = status
      var approval: String?
      if let links = document.presentMember("links", of: root) {
        for link in document.elements(of: links) {
          if let rel = text("rel", link), rel == "payer-action" || rel == "approve" {
            approval = approval ?? text("href", link)
          }
        }
      }
      self.approval = approval
      var capture: (String?, String?) = (nil, nil)
      if let units = document.presentMember("purchase_units", of: root) {
        for unit in document.elements(of: units) {
          guard let payments = document.presentMember("payments", of: unit),
            let captures = document.presentMember("captures", of: payments)
          else { continue }
          for one in document.elements(of: captures) where capture.0 == nil {
            capture = (text("id", one), text("status", one))
          }
        }
      }
      captureID = capture.0
      captureStatus = capture.1
    }
  }

  private let client: HTTPClient
  private let base: String
  private let authorization: String
  private let token = Mutex<(text: String, until: NIODeadline)?>(nil)
  private static let mostAnswerBytes = 256 << 10

  init(_ settings: PageConfiguration.PayPal, on group: any EventLoopGroup) throws {
    client = HTTPClient.page(trusting: settings.authorityPath, on: group)
    base = settings.url.description
    let secret: SecretBytes = try SecretFile.read(settings.secretPath)
    authorization =
      "Basic " + Base64.encode(Array("\(settings.clientID):".utf8) + secret.bytes.array)
  }

  func shutdown() async { try? await client.shutdown() }

  /// Makes an order that the shopper approves.
  func create(
    reference: String, invoice: String, currency: String, value: String, locale: String,
    returnURL: String, cancelURL: String, requestID: String
  ) async -> Answer {
    let body = JSONWriter.document { json in
      json.member("intent", string: "CAPTURE")
      json.member("purchase_units", objects: [0]) { json, _ in
        json.member("reference_id", string: reference)
        json.member("invoice_id", string: invoice)
        json.name("amount")
        json.object {
          $0.member("currency_code", string: currency)
          $0.member("value", string: value)
        }
      }
      json.name("payment_source")
      json.object { json in
        json.name("paypal")
        json.object { json in
          json.name("experience_context")
          json.object {
            $0.member("return_url", string: returnURL)
            $0.member("cancel_url", string: cancelURL)
            $0.member("user_action", string: "PAY_NOW")
            $0.member("shipping_preference", string: "NO_SHIPPING")
            $0.member("locale", string: locale)
          }
        }
      }
    }
    return await ask(.POST, "/v2/checkout/orders", body, requestID, within: .seconds(20))
  }

  func order(_ id: String) async -> Answer {
    await ask(.GET, "/v2/checkout/orders/\(id)", nil, nil, within: .seconds(20))
  }

  /// Takes the money of an order that was approved.
  func capture(_ id: String, requestID: String) async -> Answer {
    await ask(
      .POST, "/v2/checkout/orders/\(id)/capture", Array("{}".utf8), requestID,
      within: .seconds(60))
  }

  // MARK: - Asking

  private func ask(
    _ method: HTTPMethod, _ path: String, _ body: [UInt8]?, _ requestID: String?,
    within time: TimeAmount
  ) async -> Answer {
    let deadline = NIODeadline.now() + time
    var wasSent = false
    var pause = TimeAmount.milliseconds(200)
    while true {
      guard let token = await bearer(by: deadline) else { return wasSent ? .lost : .notSent }
      let reply = await once(method, path, body, requestID, "Bearer \(token)", by: deadline)
      switch reply {
      case .answered(401, _): self.token.withLock { $0 = nil }
      case .answered(let status, let bytes) where (200..<300).contains(status): return .done(bytes)
      case .answered(let status, let bytes) where (400..<500).contains(status) && status != 429:
        return .refused(issue: Self.issue(bytes))
      case .answered, .lost: wasSent = true
      case .notSent: break
      }
      guard .now() + pause < deadline else { return wasSent ? .lost : .notSent }
      try? await Task.sleep(nanoseconds: UInt64(pause.nanoseconds))
      pause = min(pause * 2, .seconds(3))
    }
  }

  private enum Reply {
    case answered(Int, [UInt8])
    case notSent, lost
  }

  private func once(
    _ method: HTTPMethod, _ path: String, _ body: [UInt8]?, _ requestID: String?,
    _ authorization: String, by deadline: NIODeadline,
    type: String = "application/json"
  ) async -> Reply {
    var request = HTTPClientRequest(url: base + path)
    request.method = method
    request.headers.add(name: "Authorization", value: authorization)
    if let requestID { request.headers.add(name: "PayPal-Request-Id", value: requestID) }
    if let body {
      request.headers.add(name: "Content-Type", value: type)
      request.body = .bytes(ByteBuffer(bytes: body))
    }
    do {
      // One that hangs is asked again before all of the time is over.
      let response = try await client.execute(
        request, deadline: min(deadline, .now() + .seconds(15)))
      let received = try await response.body.collect(upTo: Self.mostAnswerBytes)
      return .answered(Int(response.status.code), Array(received.readableBytesView))
    } catch {
      return VaultClient.wasNotSent(error) ? .notSent : .lost
    }
  }

  /// The bearer token, asked for anew a minute before its end.
  private func bearer(by deadline: NIODeadline) async -> String? {
    if let token = token.withLock({ $0 }), token.until > .now() { return token.text }
    let reply = await once(
      .POST, "/v1/oauth2/token", Array("grant_type=client_credentials".utf8), nil, authorization,
      by: deadline, type: "application/x-www-form-urlencoded")
    guard case .answered(200, let bytes) = reply,
      let document = try? JSONDocument(bytes.rawSpan),
      let node = document.presentMember("access_token", of: document.root),
      let text = document.string(of: node)
    else { return nil }
    let seconds =
      document.presentMember("expires_in", of: document.root)
      .flatMap { document.integer(of: $0) } ?? 300
    let until = NIODeadline.now() + .seconds(max(seconds - 60, 10))
    token.withLock { $0 = (text, until) }
    return text
  }

  /// The first issue of an error, or its name.
  private static func issue(_ body: [UInt8]) -> String {
    guard let document = try? JSONDocument(body.rawSpan) else { return "" }
    if let details = document.presentMember("details", of: document.root) {
      for detail in document.elements(of: details) {
        if let node = document.presentMember("issue", of: detail),
          let issue = document.string(of: node)
        {
          return issue
        }
      }
    }
    return document.presentMember("name", of: document.root)
      .flatMap { document.string(of: $0) } ?? ""
  }
}
