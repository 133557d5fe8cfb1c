import Cryptography
import JSON

/// What an issuer's access control server shows to the cardholder: plain HTML that needs no script, in a
/// frame of 250 pixels or in the whole window.
enum ChallengePage {
  /// The page that asks for the code.
  static func question(
    _ transaction: String, _ challenge: AuthenticationDesk.Challenge, session: String
  ) -> String {
    let amount =
      "\(challenge.amount / 100).\(String(challenge.amount % 100 + 100).dropFirst()) "
      + challenge.currency
    return page(
      "Your bank asks who you are",
      """
      <p>Payment of <strong>\(escaped(amount))</strong>\(order(challenge)). Enter the code that your bank \
      has sent you. This bank is a simulator: its code is \(AuthenticationDesk.code).</p>
      <form method="post" action="/answer">
      <input type="hidden" name="transaction" value="\(escaped(transaction))">
      <input type="hidden" name="threeDSSessionData" value="\(escaped(session))">
      <label for="code">Code</label>
      <input id="code" name="code" inputmode="numeric" autocomplete="one-time-code" maxlength="8">
      <p><button type="submit" name="confirm" value="1">Confirm</button>
      <button type="submit" name="cancel" value="1">Cancel</button></p>
      </form>
      """)
  }

  /// The page after it, which takes the browser back to whoever asked, by itself or by a button.
  static func end(
    _ transaction: String, _ challenge: AuthenticationDesk.Challenge, session: String, passed: Bool
  ) -> String {
    let words = passed ? "Your bank knows you now." : "Your bank could not identify you."
    guard let address = challenge.notificationURL else {
      return page("Done", "<p>\(words) You can go back to the shop.</p>")
    }
    let response = JSONWriter.document { json in
      json.member("threeDSServerTransID", string: transaction)
      json.member("acsTransID", string: challenge.accessControlTransaction)
      json.member("messageType", string: "CRes")
      json.member("messageVersion", string: "2.2.0")
      json.member("transStatus", string: passed ? "Y" : "N")
    }
    let text = Base64.encodeForURL(response)
    return page(
      "Back to the shop",
      """
      <p>\(words)</p>
      <form id="back" method="post" action="\(escaped(address))">
      <input type="hidden" name="cres" value="\(text)">
      <input type="hidden" name="threeDSSessionData" value="\(escaped(session))">
      <button type="submit">Go on</button>
      </form>
      <script>document.getElementById("back").submit()</script>
      """)
  }

  /// The page for what is none of this server's challenges.
  static func problem(_ words: String) -> String {
    page("Not possible", "<p>\(escaped(words))</p>")
  }

  private static func order(_ challenge: AuthenticationDesk.Challenge) -> String {
    challenge.reference.map { " (\(escaped($0)))" } ?? ""
  }

  private static func page(_ title: String, _ body: String) -> String {
    """
    <!doctype html>
    <html lang="en"><head><meta charset="utf-8"><title>\(title)</title>
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <style>
    :root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
    body { margin: 1rem auto; max-width: 26rem; padding: 0 1rem }
    h1 { font-size: 1.15rem }
    input:not([type=hidden]), button { font: inherit; padding: .5rem .75rem }
    input:not([type=hidden]) { display: block; margin: .25rem 0 1rem; width: 8rem }
    </style></head>
    <body><h1>\(title)</h1>
    \(body)
    </body></html>

    """
  }

  /// A text as HTML has it, between tags and in an attribute.
  static func escaped(_ text: String) -> String {
    text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
      .replacing("\"", with: "&quot;").replacing("'", with: "&#39;")
  }
}
