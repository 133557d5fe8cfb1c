import Hummingbird
import JSON

/// What is wrong with a request, in the form that PayPal gives it.
///
/// - Source: PayPal's reference, "Orders v2 errors" and "API responses".
enum PayPalError: Error, Equatable {
  /// 400: the body is no JSON object.
  case malformed
  /// 400: a field is absent or wrong; `field` is its JSON Pointer.
  case invalid(field: String, issue: String)
  /// 401: the access token is not one of ours any more.
  case invalidToken
  /// 404: no such order.
  case notFound
  /// 422: the payer has not approved the order.
  case notApproved
  /// 422: the payer's bank declines; the payer may choose other means at `page`.
  case instrumentDeclined(page: String)
  /// 422: the order is paid already.
  case alreadyCaptured
  /// 500.
  case failure

  var status: HTTPResponse.Status {
    switch self {
    case .malformed, .invalid: .badRequest
    case .invalidToken: .unauthorized
    case .notFound: .notFound
    case .notApproved, .instrumentDeclined, .alreadyCaptured: .unprocessableContent
    case .failure: .internalServerError
    }
  }

  /// The answer's body.
  func document() -> [UInt8] {
    switch self {
    case .malformed:
      Self.document(
        "INVALID_REQUEST",
        "Request is not well-formed, syntactically incorrect, or violates schema.",
        issue: ("MALFORMED_REQUEST_JSON", "The request JSON is not well formed."))
    case .invalid(let field, let issue):
      Self.document(
        "INVALID_REQUEST",
        "Request is not well-formed, syntactically incorrect, or violates schema.",
        issue: (issue, "The value of a field is either missing or invalid."), field: field)
    case .invalidToken:
      JSONWriter.document { json in
        json.member("error", string: "invalid_token")
        json.member("error_description", string: "Token signature verification failed")
      }
    case .notFound:
      Self.document(
        "RESOURCE_NOT_FOUND", "The specified resource does not exist.",
        issue: (
          "INVALID_RESOURCE_ID",
          "Specified resource ID does not exist. Please check the resource ID and try again."
        ))
    case .notApproved:
      Self.unprocessable("ORDER_NOT_APPROVED", "Payer has not yet approved the Order for payment.")
    case .instrumentDeclined(let page):
      Self.unprocessable(
        "INSTRUMENT_DECLINED",
        "The instrument presented was either declined by the processor or bank, or it can't be used "
          + "for this payment.", link: PayPalLink("redirect", page, "GET"))
    case .alreadyCaptured:
      Self.unprocessable(
        "ORDER_ALREADY_CAPTURED",
        "Order already captured. If 'intent=CAPTURE' only one capture per order is allowed.")
    case .failure:
      Self.document(
        "INTERNAL_SERVER_ERROR", "An internal server error has occurred.", issue: nil)
    }
  }

  private static func unprocessable(
    _ issue: String, _ description: String, link: PayPalLink? = nil
  ) -> [UInt8] {
    document(
      "UNPROCESSABLE_ENTITY",
      "The requested action could not be performed, semantically incorrect, or failed business "
        + "validation.", issue: (issue, description), link: link)
  }

  private static func document(
    _ name: String, _ message: String, issue: (name: String, description: String)?,
    field: String? = nil, link: PayPalLink? = nil
  ) -> [UInt8] {
    JSONWriter.document { json in
      json.member("name", string: name)
      json.member("message", string: message)
      json.member("debug_id", string: String(RandomText.token().prefix(13)))
      if let issue {
        json.member("details", objects: [issue]) { json, issue in
          if let field { json.member("field", string: field) }
          json.member("issue", string: issue.name)
          json.member("description", string: issue.description)
        }
      }
      if let link { json.member("links", objects: [link]) { $1.write(to: &$0) } }
    }
  }
}
