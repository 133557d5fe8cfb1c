import Hummingbird
import JSON
import NIOCore

// MARK: What the payment page tells

extension Shop {
  /// `POST /payments`: 204 once it was taken or is known; 400, 401, 404 or 422 for what is none of ours, and 503
  /// for what comes before the page's answer to who began it: the page sends them again.
  func takeNotification(_ request: Request, _ context: WebContext) async -> Response {
    notifications.count { $0.received += 1 }
    let mode = notifications.mode
    switch mode {
    case .failing: return Response(status: .internalServerError)
    case .drop:
      try? await context.channel.close()
      return Response(status: .internalServerError)
    case .ok, .slow, .twice: break
    }
    guard let body = try? await request.body.collect(upTo: WebServer.bodyLimit) else {
      return Response(status: .contentTooLarge)
    }
    let bytes = Array(body.readableBytesView)
    guard let header = request.headers[HeaderName(literal: "Cadenas-Signature")],
      signature.covers(bytes, header: header, now: ShopData.now)
    else {
      notifications.count { $0.unsigned += 1 }
      return Response(status: .unauthorized)
    }
    guard let document = PaymentDocument(bytes), let sequence = document.sequence, sequence > 0
    else { return Response(status: .badRequest) }
    guard let taking = data.take(document) else { return Response(status: .notFound) }
    switch taking {
    case .foreign: return Response(status: .unprocessableContent)
    case .early: return Response(status: .serviceUnavailable)
    case .old: notifications.count { $0.old += 1 }
    case .taken: notifications.count { $0.taken += 1 }
    }
    if mode == .twice, notifications.isFirst(document.payment, sequence) {
      return Response(status: .internalServerError)
    }
    if mode == .slow { try? await Task.sleep(for: .seconds(NotificationDesk.slowSeconds)) }
    return Response(status: .noContent)
  }
}

// MARK: What tests ask

extension Shop {
  /// `POST /control/notifications` with `mode`: how notifications are answered from now on.
  func setNotifications(_ request: Request, _ context: WebContext) async -> Response {
    guard context.isFromLoopback else { return Response(status: .forbidden) }
    guard let mode = await request.form()?["mode"].flatMap({ NotificationMode(rawValue: $0) })
    else { return Response(status: .badRequest) }
    notifications.mode = mode
    return Response(status: .noContent)
  }

  /// `GET /control/orders`: every order with its payments, and how many notifications came.
  func tellOrders(_ context: WebContext) -> Response {
    guard context.isFromLoopback else { return Response(status: .forbidden) }
    let counts = notifications.counts
    let document = JSONWriter.document { json in
      json.member("received", integer: counts.received)
      json.member("taken", integer: counts.taken)
      json.member("old", integer: counts.old)
      json.member("unsigned", integer: counts.unsigned)
      json.member("orders", objects: data.allOrders()) { json, order in
        json.member("reference", string: order.reference)
        json.member("state", string: order.state.key)
        json.member("invoice", string: order.invoice?.number)
        json.member("payments", objects: order.payments) { json, payment in
          json.member("payment", string: payment.payment)
          json.member("state", string: payment.state.rawValue)
          json.member("sequence", integer: order.sequences[payment.payment])
        }
      }
    }
    return .json(.ok, document)
  }
}
