import Bytes
import JSON

/// An order as PayPal's Orders v2 keeps it, as far as a checkout reads it.
///
/// - Source: PayPal's reference of Orders v2, "Create order" and "Capture payment for order".
struct PayPalOrder: Sendable {
  /// In PayPal's words.
  enum Status: String, Sendable {
    case created = "CREATED"
    case payerActionRequired = "PAYER_ACTION_REQUIRED"
    case approved = "APPROVED"
    case completed = "COMPLETED"
  }

  /// Money that was taken, or is about to be.
  struct Capture: Sendable {
    /// In PayPal's words.
    enum Status: String, Sendable {
      case completed = "COMPLETED"
      case pending = "PENDING"
      case declined = "DECLINED"
    }

    let id: String
    var status: Status
  }

  let id: String
  let request: PayPalOrderRequest
  var status: Status
  /// The payer's account, once it has approved.
  var payer: String?
  var capture: Capture?
  /// How often a capture has been asked for.
  var tries = 0

  /// A new order, which waits for its payer.
  init(_ request: PayPalOrderRequest) {
    id = Self.identifier()
    self.request = request
    status = request.namesSource ? .payerActionRequired : .created
  }

  /// 17 capital letters and digits, as PayPal's are.
  static func identifier() -> String {
    let alphabet = Array("0123456789ABCDEFGHJKLMNPRSTUVWXY")
    return String((0..<17).compactMap { _ in alphabet.randomElement() })
  }

  /// The order as its API shows it; `api` is the address of the simulator.
  func document(api: String) -> [UInt8] {
    JSONWriter.document { json in
      json.member("id", string: id)
      json.member("intent", string: "CAPTURE")
      json.member("status", string: status.rawValue)
      json.name("payment_source")
      json.object { json in
        json.name("paypal")
        json.object { json in
          if let payer { json.member("account_id", string: payer) }
        }
      }
      json.member("purchase_units", objects: [request]) { json, unit in
        json.member("reference_id", string: unit.reference ?? "default")
        if let invoice = unit.invoice { json.member("invoice_id", string: invoice) }
        writeAmount(&json)
        if let capture { write(capture, to: &json) }
      }
      json.member("links", objects: links(api: api)) { json, link in link.write(to: &json) }
    }
  }

  private func write(_ capture: Capture, to json: inout JSONWriter) {
    json.name("payments")
    json.object { json in
      json.member("captures", objects: [capture]) { json, capture in
        json.member("id", string: capture.id)
        json.member("status", string: capture.status.rawValue)
        if capture.status == .pending {
          json.name("status_details")
          json.object { $0.member("reason", string: "PENDING_REVIEW") }
        }
        writeAmount(&json)
        json.member("final_capture", boolean: true)
        if let invoice = request.invoice { json.member("invoice_id", string: invoice) }
      }
    }
  }

  private func writeAmount(_ json: inout JSONWriter) {
    json.name("amount")
    json.object { json in
      json.member("currency_code", string: request.currency)
      json.member("value", string: request.value)
    }
  }

  private func links(api: String) -> [PayPalLink] {
    let own = "\(api)/v2/checkout/orders/\(id)"
    var links = [PayPalLink("self", own, "GET")]
    let page = "\(api)/checkoutnow?token=\(id)"
    switch status {
    case .created: links.append(PayPalLink("approve", page, "GET"))
    case .payerActionRequired: links.append(PayPalLink("payer-action", page, "GET"))
    case .approved, .completed: break
    }
    if status == .created || status == .approved {
      links.append(PayPalLink("capture", own + "/capture", "POST"))
    }
    return links
  }
}

/// Where to go from an order or an error.
struct PayPalLink: Sendable {
  let relation: String
  let address: String
  let method: String

  init(_ relation: String, _ address: String, _ method: String) {
    self.relation = relation
    self.address = address
    self.method = method
  }

  /// Writes the members of the object that it is.
  func write(to json: inout JSONWriter) {
    json.member("href", string: address)
    json.member("rel", string: relation)
    json.member("method", string: method)
  }
}
