import Cards
import ConfigurationReading
import Foundation
import Payments

// The contexts of pages that say what came of it.

extension PageContext {
  /// The keys of heading, sentences and advice of the last attempt's end.
  var outcomeKeys: (title: String, texts: [String], next: String?) {
    switch payment.state {
    case .cancelled: return ("cancelled_title", ["nothing"], nil)
    case .expired: return ("late_title", ["late"], nil)
    case .open where view.now >= payment.expiresAt: return ("late_title", ["late"], nil)
    default: break
    }
    switch last?.result {
    case .unconfirmed: return ("unconfirmed_title", ["unconfirmed"], "unconfirmed_next")
    case .down: return ("down_title", ["down"], nil)
    case .left: return ("wallet_left_title", ["wallet_left", "nothing"], nil)
    case .fault, .mistaken: return ("fault_title", ["fault"], nil)
    case .refused where last?.method == .paypal:
      return ("wallet_refused_title", ["wallet", "nothing"], nil)
    default:
      let reason = visit.reason
      return ("refused_title", [reason.rawValue, "nothing"], "\(reason.rawValue)_next")
    }
  }

  private var returnLink: [String: Any]? {
    guard visit.isParty else { return nil }
    let time = view.now / 1_000
    let signed = try? visit.merchant.signature?.returnURL(
      payment.returnURL, payment: payment.id, state: payment.state.rawValue, unixSeconds: time)
    let isPaid = payment.state == .approved
    return [
      "href": (signed ?? nil) ?? payment.returnURL, "text": text(isPaid ? "return" : "back"),
    ]
  }

  private var cardFact: [String: Any]? {
    guard last?.owner == visit.browser, let card = last?.card else { return nil }
    var fact: [String: Any] = ["brand": brand(card.brand), "last4": card.last4]
    if let scheme = card.scheme { fact["scheme"] = text("kept_scheme", ["scheme": brand(scheme)]) }
    return fact
  }

  func add(refused context: inout [String: Any]) {
    let keys = outcomeKeys
    let wallet = ["wallet": text("wallet_paypal")]
    context["outcome"] =
      [
        "title": text(keys.title, wallet), "text": keys.texts.map { text($0, wallet) },
        "pause": true, "done": false, "open": false,
      ] as [String: Any]
    var part: [String: Any] = ["other": payment.methods.contains(.card), "again": view.mayTryAgain]
    if let next = keys.next { part["next"] = text(next, wallet) }
    if let cardFact { part["fact_card"] = cardFact }
    let left = visit.merchant.settings.attempts - Payment.counted(visit.attempts)
    if left <= 2, left > 0 { part["tries"] = text("tries", count: left) }
    context["refused"] = part
    add(wallets: &context, isOnly: false)
  }

  func add(approved context: inout [String: Any]) {
    context["outcome"] =
      [
        "title": text("approved_title"), "text": [text("approved")], "pause": false, "done": true,
        "open": false,
      ] as [String: Any]
    let approved = payment.approvedAmount ?? payment.amount
    var part: [String: Any] = ["kept": payment.kept != nil]
    if approved < payment.amount {
      part["partly"] = text(
        "partly", ["approved": amount(approved), "amount": amount(payment.amount)])
    }
    context["approved"] = part
    context["facts"] = facts(approved)
    if let returnLink { context["return"] = returnLink }
  }

  private func facts(_ approved: Int64) -> [String: Any] {
    var facts: [String: Any] = [
      "payee": shop, "amount": amount(approved), "number": last?.vaultPayment ?? payment.id,
      "at": moment(payment.endedAt ?? view.now),
    ]
    if approved < payment.amount {
      facts["of"] = text("fact_of", ["amount": amount(payment.amount)])
    }
    if last?.method == .paypal {
      facts["fact_wallet"] = text("wallet_paypal")
    } else if let cardFact {
      facts["fact_card"] = cardFact
    }
    switch last?.captured {
    case true?: facts["charge"] = ["text": text("captured_yes")]
    case false?:
      facts["charge"] = ["text": text("captured_no"), "more": text("captured_no_more")]
    case nil: break
    }
    return facts
  }

  func add(end context: inout [String: Any]) {
    var outcome: [String: Any] = ["pause": true, "done": false, "open": false]
    switch view.screen {
    case .closed:
      outcome["title"] = text("closed_title")
      outcome["text"] = [text("closed")]
      // Not whether it was paid.
      context["heading"] =
        ["label": shop, "amount": amount(payment.amount), "long": false]
        as [String: Any]
    case .waiting:
      let key = payment.state == .pending ? "pending" : "unknown"
      outcome["title"] = text(key + "_title")
      outcome["text"] = [text(key)]
      if visit.isParty { context["facts"] = ["number": last?.vaultPayment ?? payment.id] }
    default:
      let keys = outcomeKeys
      let wallet = ["wallet": text("wallet_paypal")]
      outcome["title"] = text(keys.title, wallet)
      var texts = keys.texts.map { text($0, wallet) }
      if payment.state == .refused { texts.append(text("over")) }
      outcome["text"] = texts
      outcome["open"] = payment.state == .cancelled || payment.state == .expired
    }
    context["outcome"] = outcome
    if let returnLink { context["return"] = returnLink }
  }

  /// A moment as the language writes it, in the merchant's time zone, whose name stands in words.
  private func moment(_ time: Milliseconds) -> [String: Any] {
    let zone = TimeZone(identifier: visit.merchant.settings.timeZone) ?? .gmt
    var calendar = Calendar(identifier: .gregorian)
    calendar.timeZone = zone
    let date = Date(timeIntervalSince1970: Double(time) / 1_000)
    let parts = calendar.dateComponents([.year, .month, .day, .hour, .minute, .second], from: date)
    func two(_ number: Int?) -> String {
      let text = String(number ?? 0)
      return text.count < 2 ? "0" + text : text
    }
    let offset = zone.secondsFromGMT(for: date)
    let sign = offset < 0 ? "-" : "+"
    let day = "\(parts.year ?? 0)-\(two(parts.month))-\(two(parts.day))"
    let clock = "\(two(parts.hour)):\(two(parts.minute))"
    let key = "zone_" + visit.merchant.settings.timeZone.replacing("/", with: "_")
    let name = text(key)
    let city = visit.merchant.settings.timeZone.split(separator: "/").last ?? "UTC"
    return [
      "iso":
        "\(day)T\(clock):\(two(parts.second))\(sign)\(two(abs(offset) / 3_600)):\(two(abs(offset) / 60 % 60))",
      "text": text(
        "date_time",
        [
          "day": String(parts.day ?? 0), "month": text("month_\(parts.month ?? 1)"),
          "year": String(parts.year ?? 0), "time": clock,
        ]),
      "zone": name == key ? city.replacing("_", with: " ") : name,
    ]
  }
}
