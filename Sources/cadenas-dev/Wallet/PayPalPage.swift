/// What PayPal shows to the payer, as plain HTML: two buttons.
enum PayPalPage {
  /// The page that asks.
  static func question(_ order: PayPalOrder) -> String {
    let value = ChallengePage.escaped("\(order.request.value) \(order.request.currency)")
    let note =
      order.tries > 0
      ? "<p>Your bank has declined. Approve again to pay with another one.</p>" : ""
    let word = order.request.paysNow ? "Pay now" : "Continue"
    return page(
      "PayPal, a simulator",
      """
      <p>Payment of <strong>\(value)</strong>. No money moves.</p>
      \(note)
      <form method="post" action="/checkoutnow">
      <input type="hidden" name="token" value="\(order.id)">
      <p><button type="submit" name="approve" value="1">\(word)</button>
      <button type="submit" name="cancel" value="1">Cancel</button></p>
      </form>
      """)
  }

  /// The page for what is not to be approved.
  static func problem(_ words: String) -> String { page("Not possible", "<p>\(words)</p>") }

  private static func page(_ title: String, _ body: String) -> String {
    """
    <!doctype html>
    <html lang="en"><head><meta charset="utf-8"><title>\(title)</title>
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <style>
    :root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
    body { margin: 1rem auto; max-width: 26rem; padding: 0 1rem }
    h1 { font-size: 1.15rem }
    button { font: inherit; padding: .5rem .75rem }
    </style></head>
    <body><main><h1>\(title)</h1>
    \(body)
    </main></body></html>

    """
  }
}
