/// What the shop says, in three languages.
enum ShopWords {
  /// The words of `language`, by their keys.
  static func all(in language: ShopLanguage) -> [String: String] { tables[language.index] }

  /// One text, with what stands between braces in it replaced.
  static func text(
    _ key: String, in language: ShopLanguage, _ values: [String: String] = [:]
  ) -> String {
    guard var text = tables[language.index][key] else { preconditionFailure("no words: \(key)") }
    for (name, value) in values { text = text.replacing("{\(name)}", with: value) }
    return text
  }

  private static let tables: [[String: String]] = (0..<3).map { language in
    var table: [String: String] = [:]
    for entry in entries + stateEntries {
      table[entry[0]] = typeset(entry[language + 1], isFrench: language == 0)
    }
    return table
  }

  /// Spaces that do not break, and curved apostrophes.
  private static func typeset(_ text: String, isFrench: Bool) -> String {
    var text = text.replacing("'", with: "’")
    guard isFrench else { return text }
    for mark in [";", "?", "!"] { text = text.replacing(" \(mark)", with: "\u{202F}\(mark)") }
    return text.replacing(" :", with: "\u{A0}:").replacing(" %", with: "\u{A0}%")
  }

  /// Key, French, English, German.
  private static let entries: [[String]] = [
    ["skip", "Aller au contenu", "Skip to content", "Zum Inhalt springen"],
    ["error", "Erreur : {title}", "Error: {title}", "Fehler: {title}"],
    ["menu", "Boutique", "Shop", "Shop"],
    ["language", "Langue", "Language", "Sprache"],
    ["currency", "Monnaie", "Currency", "Währung"],
    ["catalogue", "Catalogue", "Catalogue", "Sortiment"],
    ["basket", "Panier", "Basket", "Warenkorb"],
    ["orders", "Commandes", "Orders", "Bestellungen"],
    ["account", "Compte", "Account", "Konto"],
    [
      "welcome", "De belles choses, peu nombreuses", "Fine things, and few of them",
      "Schöne Dinge, und nicht viele",
    ],
    [
      "demo", "Boutique de démonstration : rien n'est vendu, aucun argent ne bouge.",
      "Demonstration shop: nothing is sold, and no money moves.",
      "Vorführ-Shop: Es wird nichts verkauft, und kein Geld bewegt sich.",
    ],
    [
      "tax.in", "Prix TTC, livraison offerte.", "Prices include VAT; delivery is free.",
      "Preise inkl. MwSt., Versand kostenlos.",
    ],
    ["add", "Ajouter au panier", "Add to basket", "In den Warenkorb"],
    [
      "added", "Ajouté au panier : {product}.", "Added to your basket: {product}.",
      "Im Warenkorb: {product}.",
    ],
    ["worth", "Montant de la carte", "Amount of the card", "Betrag der Karte"],
    [
      "worth.hint", "De 1 à 9\u{202F}999\u{202F}999,99", "From 1 to 9,999,999.99",
      "Von 1 bis 9.999.999,99",
    ],
    [
      "worth.wrong", "Indiquez un montant, par exemple 25 ou 25,50.",
      "Enter an amount, for example 25 or 25.50.",
      "Geben Sie einen Betrag ein, zum Beispiel 25 oder 25,50.",
    ],
    ["empty", "Votre panier est vide.", "Your basket is empty.", "Ihr Warenkorb ist leer."],
    ["to.catalogue", "Voir le catalogue", "See the catalogue", "Zum Sortiment"],
    ["quantity", "Quantité", "Quantity", "Menge"],
    ["quantity.of", "Quantité : {product}", "Quantity: {product}", "Menge: {product}"],
    ["change", "Modifier", "Change", "Ändern"],
    [
      "change.of", "Modifier la quantité : {product}", "Change the quantity: {product}",
      "Menge ändern: {product}",
    ],
    ["remove", "Retirer", "Remove", "Entfernen"],
    ["remove.of", "Retirer : {product}", "Remove: {product}", "Entfernen: {product}"],
    ["article", "Article", "Item", "Artikel"],
    ["price", "Prix", "Price", "Preis"],
    ["amount", "Montant", "Amount", "Betrag"],
    ["total", "Total", "Total", "Summe"],
    [
      "checkout", "Commander et payer {amount}", "Order and pay {amount}",
      "Zahlungspflichtig bestellen: {amount}",
    ],
    [
      "checkout.note",
      "Vous payez sur la page de paiement de la banque. Nous ne voyons jamais votre carte.",
      "You pay on the bank's payment page. We never see your card.",
      "Sie zahlen auf der Bezahlseite der Bank. Wir sehen Ihre Karte nie.",
    ],
    [
      "signed.in", "Vous êtes connecté : {customer}.", "You are signed in: {customer}.",
      "Sie sind angemeldet: {customer}.",
    ],
    [
      "sign.in.why", "Avec un compte, vous pouvez garder une carte pour vos prochains achats.",
      "With an account you can keep a card for your next purchases.",
      "Mit einem Konto können Sie eine Karte für Ihre nächsten Einkäufe behalten.",
    ],
    [
      "sign.in.demo", "Démonstration : il n'y a pas de mot de passe.",
      "Demonstration: there is no password.", "Vorführung: Es gibt kein Passwort.",
    ],
    ["customer", "Numéro de client", "Customer number", "Kundennummer"],
    [
      "customer.hint", "Lettres, chiffres, tiret : c-1042", "Letters, digits, hyphen: c-1042",
      "Buchstaben, Ziffern, Bindestrich: c-1042",
    ],
    [
      "customer.wrong", "Un numéro de client a de 1 à 64 lettres, chiffres ou . _ : -",
      "A customer number has 1 to 64 letters, digits or . _ : -",
      "Eine Kundennummer hat 1 bis 64 Buchstaben, Ziffern oder . _ : -",
    ],
    ["sign.in", "Se connecter", "Sign in", "Anmelden"],
    ["sign.out", "Se déconnecter", "Sign out", "Abmelden"],
    ["cards", "Vos cartes gardées", "Your kept cards", "Ihre behaltenen Karten"],
    [
      "cards.none",
      "Aucune carte n'est gardée. Lors d'un paiement, vous pouvez choisir d'en garder une.",
      "No card is kept. You can choose to keep one when you pay.",
      "Keine Karte ist behalten. Beim Bezahlen können Sie eine behalten.",
    ],
    [
      "card", "{brand}, se termine par {last4}", "{brand}, ending in {last4}",
      "{brand}, endet auf {last4}",
    ],
    ["card.until", "Expire le {month}", "Expires {month}", "Gültig bis {month}"],
    [
      "card.removed", "La carte a été retirée.", "The card was removed.",
      "Die Karte wurde entfernt.",
    ],
    [
      "card.stays", "La carte n'a pas pu être retirée. Réessayez dans un instant.",
      "The card could not be removed. Try again in a moment.",
      "Die Karte konnte nicht entfernt werden. Versuchen Sie es gleich noch einmal.",
    ],
    [
      "orders.none", "Vous n'avez encore rien commandé.", "You have not ordered anything yet.",
      "Sie haben noch nichts bestellt.",
    ],
    ["order", "Commande {reference}", "Order {reference}", "Bestellung {reference}"],
    ["ordered.on", "Commandé le {day}", "Ordered on {day}", "Bestellt am {day}"],
    ["date", "Date", "Date", "Datum"],
    ["state", "État", "State", "Stand"],
    ["reference", "Référence", "Reference", "Referenz"],
    ["invoice", "Facture", "Invoice", "Rechnung"],
    ["invoice.show", "Voir la facture", "See the invoice", "Rechnung ansehen"],
    ["invoice.load", "Télécharger la facture", "Download the invoice", "Rechnung herunterladen"],
    ["invoice.number", "Facture n° {number}", "Invoice no. {number}", "Rechnung Nr. {number}"],
    ["invoice.date", "Date de facture", "Invoice date", "Rechnungsdatum"],
    ["duplicate", "Duplicata du {day}", "Duplicate of {day}", "Duplikat vom {day}"],
    ["tax", "dont TVA {percent} %", "of which VAT {percent}%", "darin MwSt. {percent} %"],
    ["net", "Total hors TVA", "Total without VAT", "Summe ohne MwSt."],
    ["paid.by", "Payé par", "Paid by", "Bezahlt mit"],
    ["paid.with", "Payé par : {means}", "Paid by: {means}", "Bezahlt mit: {means}"],
    [
      "add.of", "Ajouter au panier : {product}", "Add to basket: {product}",
      "In den Warenkorb: {product}",
    ],
    ["paid.amount", "Montant payé", "Amount paid", "Bezahlter Betrag"],
    ["via", "paiement par {scheme}", "paid through {scheme}", "Zahlung über {scheme}"],
    [
      "print.hint", "Une page A4 ; imprimez-la avec votre navigateur.",
      "One A4 page; print it with your browser.",
      "Eine Seite A4; drucken Sie sie mit Ihrem Browser.",
    ],
    [
      "seller.note", "Document de démonstration, sans valeur comptable.",
      "Demonstration document, of no value in accounts.",
      "Vorführ-Dokument, ohne buchhalterischen Wert.",
    ],
    ["back.order", "Revenir à la commande", "Back to the order", "Zurück zur Bestellung"],
    ["look", "Regarder de nouveau", "Look again", "Noch einmal nachsehen"],
    ["pay", "Payer {amount}", "Pay {amount}", "{amount} zahlen"],
    ["pay.go", "Aller à la page de paiement", "Go to the payment page", "Zur Bezahlseite"],
    ["pay.again", "Payer d'une autre façon", "Pay another way", "Anders bezahlen"],
    ["help", "Aide", "Help", "Hilfe"],
    [
      "help.text",
      "C'est une démonstration de Cadenas. La page de paiement est la vraie ; la banque et PayPal sont des simulateurs.",
      "This is a demonstration of Cadenas. The payment page is real; the bank and PayPal are simulators.",
      "Dies ist eine Vorführung von Cadenas. Die Bezahlseite ist echt; Bank und PayPal sind Simulatoren.",
    ],
    ["privacy", "Données personnelles", "Privacy", "Datenschutz"],
    [
      "privacy.text",
      "Deux cookies, strictement nécessaires : votre panier, et votre choix de langue et de monnaie. "
        + "Tout est oublié quand la boutique s'arrête.",
      "Two cookies, strictly necessary: your basket, and your choice of language and currency. "
        + "Everything is forgotten when the shop stops.",
      "Zwei Cookies, unbedingt nötig: Ihr Warenkorb, und Ihre Wahl von Sprache und Währung. "
        + "Alles wird vergessen, wenn der Shop endet.",
    ],
    [
      "gone.title", "Cette page n'existe pas", "There is no such page", "Diese Seite gibt es nicht",
    ],
    [
      "gone", "L'adresse est incomplète, ou cette commande n'est pas de ce navigateur.",
      "The address is incomplete, or this order is not of this browser.",
      "Die Adresse ist unvollständig, oder diese Bestellung ist nicht von diesem Browser.",
    ],
    [
      "fault.title", "Nous n'avons pas pu ouvrir le paiement", "We could not open the payment",
      "Wir konnten die Zahlung nicht öffnen",
    ],
    [
      "fault", "Votre commande {reference} est enregistrée, et rien n'a été débité.",
      "Your order {reference} is kept, and nothing was charged.",
      "Ihre Bestellung {reference} ist gespeichert, und es wurde nichts abgebucht.",
    ],
    ["again", "Réessayer", "Try again", "Noch einmal versuchen"],
  ]

  /// For each state of an order its name, and what it means.
  private static let stateEntries: [[String]] = [
    ["unpaid", "À payer", "To be paid", "Zu zahlen"],
    [
      "unpaid.text", "Cette commande n'est pas encore payée.", "This order is not paid yet.",
      "Diese Bestellung ist noch nicht bezahlt.",
    ],
    ["open", "À payer", "To be paid", "Zu zahlen"],
    [
      "open.text", "Le paiement est ouvert et attend que vous le finissiez.",
      "The payment is open and waits for you to finish it.",
      "Die Zahlung ist offen und wartet darauf, dass Sie sie abschließen.",
    ],
    ["inProgress", "Paiement en cours", "Payment under way", "Zahlung läuft"],
    [
      "inProgress.text", "Votre paiement est en cours. Ne payez pas une seconde fois.",
      "Your payment is under way. Please do not pay again.",
      "Ihre Zahlung läuft. Bitte zahlen Sie nicht noch einmal.",
    ],
    ["paid", "Payée", "Paid", "Bezahlt"],
    [
      "paid.text", "Merci. Votre commande est payée.", "Thank you. Your order is paid.",
      "Vielen Dank. Ihre Bestellung ist bezahlt.",
    ],
    ["paidInPart", "Payée en partie", "Paid in part", "Teilweise bezahlt"],
    [
      "paidInPart.text",
      "La banque a accepté {paid} sur {amount}. Nous vous écrirons pour le reste.",
      "The bank has approved {paid} of {amount}. We will write to you about the rest.",
      "Die Bank hat {paid} von {amount} genehmigt. Wegen des Rests schreiben wir Ihnen.",
    ],
    [
      "pending", "Réponse de la banque attendue", "Waiting for the bank",
      "Antwort der Bank steht aus",
    ],
    [
      "pending.text",
      "La banque décidera plus tard. Ne payez pas une seconde fois ; nous vous tiendrons au courant.",
      "The bank decides later. Please do not pay again; we will let you know.",
      "Die Bank entscheidet später. Bitte zahlen Sie nicht noch einmal; wir geben Ihnen Bescheid.",
    ],
    ["unknown", "Paiement à vérifier", "Payment being checked", "Zahlung wird geprüft"],
    [
      "unknown.text",
      "Votre paiement est peut-être passé. Ne payez pas une seconde fois : nous le vérifions.",
      "Your payment may have gone through. Please do not pay again: we are checking.",
      "Ihre Zahlung ist vielleicht erfolgt. Bitte zahlen Sie nicht noch einmal: Wir prüfen das.",
    ],
    ["refused", "Paiement refusé", "Payment declined", "Zahlung abgelehnt"],
    [
      "refused.text", "La banque n'a pas accepté le paiement. Rien n'a été débité.",
      "The bank has not approved the payment. Nothing was charged.",
      "Die Bank hat die Zahlung nicht genehmigt. Es wurde nichts abgebucht.",
    ],
    ["cancelled", "Paiement annulé", "Payment cancelled", "Zahlung abgebrochen"],
    [
      "cancelled.text", "Vous avez annulé le paiement. Rien n'a été débité.",
      "You have cancelled the payment. Nothing was charged.",
      "Sie haben die Zahlung abgebrochen. Es wurde nichts abgebucht.",
    ],
    ["expired", "Temps écoulé", "Time over", "Zeit abgelaufen"],
    [
      "expired.text", "Le temps pour payer est écoulé. Rien n'a été débité.",
      "The time to pay is over. Nothing was charged.",
      "Die Zeit zum Bezahlen ist abgelaufen. Es wurde nichts abgebucht.",
    ],
    [
      "forged.text",
      "Cette adresse ne vient pas de la page de paiement ; elle ne dit rien de votre commande.",
      "This address is not from the payment page; it tells nothing of your order.",
      "Diese Adresse kommt nicht von der Bezahlseite; sie sagt nichts über Ihre Bestellung.",
    ],
    [
      "unsure.text", "Nous n'avons pas pu interroger la page de paiement. Regardez de nouveau.",
      "We could not ask the payment page. Look again in a moment.",
      "Wir konnten die Bezahlseite nicht fragen. Sehen Sie gleich noch einmal nach.",
    ],
  ]
}
