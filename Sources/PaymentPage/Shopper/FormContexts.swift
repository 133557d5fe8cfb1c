import Cards
import ConfigurationReading
import Payments

// The contexts of pages with a form.

extension PageContext {
  /// The faults that are this browser's.
  private var faults: [FieldFault] { payment.faults }

  /// The brands that a card can carry beside another.
  private var schemes: [String] {
    view.brands.filter { ["cb", "visa", "mastercard"].contains($0) }
  }

  private func sentence(_ fault: FieldFault) -> String {
    var values = fault.values
    if let month = values["month"], let year = values["year"] {
      values["month"] = text("month_year", ["month": text("month_\(month)"), "year": year])
    }
    if let scheme = values["scheme"] { values["scheme"] = brand(scheme) }
    return text(fault.key, values)
  }

  /// The summary and each field's sentence. What was typed is not given back: the number's says why.
  private func add(faults context: inout [String: Any], to part: inout [String: Any], isCard: Bool)
  {
    guard !faults.isEmpty else { return }
    var shown = faults
    if isCard, !shown.contains(where: { $0.field == .number }) {
      shown.insert(FieldFault(.number, "number_again"), at: 0)
    }
    for fault in shown { part["\(fault.field.rawValue)_error"] = sentence(fault) }
    context["faults"] =
      [
        "title": text("faults", count: shown.count),
        "list": shown.map { fault in
          let place =
            switch fault.field {
            case .scheme: "scheme-\(schemes.first ?? "")"
            case .card: "card-\(view.kept.first?.id ?? "")"
            default: fault.field.rawValue
            }
          return ["href": "#\(place)", "text": sentence(fault)]
        },
      ] as [String: Any]
  }

  func add(card context: inout [String: Any]) {
    var part: [String: Any] = [
      "brands": view.brands.map { ["code": $0, "name": brand($0)] },
      "cvc_hint": text("cvc_hint"),
      "asks_name": visit.merchant.settings.inputs.contains("cardholder_name"),
      "back": !view.kept.isEmpty,
    ]
    if schemes.count > 1 {
      part["schemes"] =
        [
          "wanted": faults.contains { $0.field == .scheme },
          "list": schemes.map { code in
            [
              "code": code, "name": brand(code),
              "checked": !faults.isEmpty && payment.choices.scheme == code,
            ] as [String: Any]
          },
        ] as [String: Any]
    }
    if visit.mayKeep {
      part["keep"] = ["checked": !faults.isEmpty && payment.choices.keep]
    }
    add(faults: &context, to: &part, isCard: true)
    context["card"] = part
    add(wallets: &context, isOnly: false)
  }

  func add(kept context: inout [String: Any]) {
    var isChecked = false
    let cards = view.kept.map { kept -> [String: Any] in
      let expired =
        (try? Expiry(month: kept.card.month, year: kept.card.year))?
        .isExpired(at: view.now / 1_000) ?? true
      let until = "\(kept.card.month < 10 ? "0" : "")\(kept.card.month)/\(kept.card.year % 100)"
      var note =
        expired
        ? text("kept_over") : text("kept_until", ["month": until])
      if let scheme = kept.card.scheme {
        note += ". " + text("kept_scheme", ["scheme": brand(scheme)]) + "."
      }
      var card: [String: Any] = [
        "id": kept.id, "brand": brand(kept.card.brand), "last4": kept.card.last4, "note": note,
        "expired": expired, "cvc": kept.card.brand == "amex" ? 4 : 3,
        "checked": !expired && !isChecked,
      ]
      if !expired { isChecked = true }
      if kept.card.brands.count == 2, !expired {
        let names = kept.card.brands.map(brand)
        card["network"] =
          [
            "label": text("kept_change", ["a": names[0], "b": names[1]]),
            "legend": text(
              "kept_network", ["brand": brand(kept.card.brand), "last4": kept.card.last4]),
            "list": kept.card.brands.map { code in
              ["code": code, "name": brand(code), "checked": kept.card.scheme == code]
                as [String: Any]
            },
          ] as [String: Any]
      }
      return card
    }
    let length = view.kept.first.map { $0.card.brand == "amex" ? 4 : 3 } ?? 3
    var part: [String: Any] = ["cards": cards, "cvc_hint": text("cvc_hint_\(length)")]
    add(faults: &context, to: &part, isCard: false)
    context["kept"] = part
    add(wallets: &context, isOnly: false)
  }

  func add(code context: inout [String: Any]) {
    guard let card = last?.card else { return }
    let length = card.brand == "amex" ? 4 : 3
    let name = text("kept_card", ["brand": brand(card.brand), "last4": card.last4])
    var part: [String: Any] = [
      "text": text("code", ["card": name]), "cvc": length,
      "cvc_hint": text("cvc_hint_\(length)"), "held": payment.state == .inProgress,
    ]
    add(faults: &context, to: &part, isCard: false)
    context["code"] = part
  }

  func add(wallets context: inout [String: Any], isOnly: Bool) {
    guard payment.methods.contains(.paypal) else { return }
    context["wallets"] =
      [
        "or": !isOnly, "list": [["code": "paypal", "name": text("wallet_paypal")]],
      ] as [String: Any]
  }

  func add(wait context: inout [String: Any]) {
    let isWallet = last?.step == .wallet
    let wallet = ["wallet": text("wallet_paypal")]
    var part: [String: Any] = [
      "title": text(isWallet ? "wallet_title" : "wait_title", wallet),
      "text": text(isWallet ? "wallet_wait" : "wait", wallet),
      "long": view.now - (last?.startedAt ?? view.now) > 20_000,
    ]
    if isWallet, visit.isParty { part["go"] = text("wallet_go", wallet) }
    context["wait"] = part
  }
}
