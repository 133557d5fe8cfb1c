import re

import cards
from case import BrowserCase, ITEMS

WORDS = {
    "fr": {
        "card": ["Numéro de carte", "Date d’expiration", "Code de sécurité", "Payer 49,90 €", "Votre commande",
                 "Quantité : 2", "À payer à Maison Exemple", "Annuler et revenir à Maison Exemple"],
        "bank": ["Confirmez auprès de votre banque"],
        "refused": ["Votre banque a refusé le paiement", "Le montant disponible sur cette carte ne suffit pas.",
                    "Rien n’a été débité."],
        "approved": ["Votre paiement est confirmé", "Payé à Maison Exemple", "Visa se terminant par",
                     "heure de Paris", "effectué"],
        "waiting": ["Votre paiement est en attente"], "ended": ["Paiement annulé"],
        "closed": ["Ce paiement est terminé"],
        "fault": ["Nous ne trouvons pas ce paiement"],
    },
    "en": {
        "card": ["Card number", "Expiry date", "Security code", "Pay €49.90", "Your order", "Quantity: 2",
                 "To pay to Maison Exemple", "Cancel and go back to Maison Exemple"],
        "bank": ["Confirm with your bank"],
        "refused": ["Your bank declined the payment", "The amount available on this card is not enough.",
                    "Nothing was charged."],
        "approved": ["Your payment is confirmed", "Paid to Maison Exemple", "Visa ending in", "Paris time",
                     "done"],
        "waiting": ["Your payment is pending"], "ended": ["Payment cancelled"],
        "closed": ["This payment is closed"],
        "fault": ["We cannot find this payment"],
    },
    "de": {
        "card": ["Kartennummer", "Gültig bis", "Prüfnummer", "49,90 € bezahlen", "Ihre Bestellung", "Menge: 2",
                 "Zu zahlen an Maison Exemple", "Abbrechen und zurück zu Maison Exemple"],
        "bank": ["Bestätigen Sie bei Ihrer Bank"],
        "refused": ["Ihre Bank hat die Zahlung abgelehnt",
                    "Der verfügbare Betrag dieser Karte reicht nicht aus.", "Es wurde nichts abgebucht."],
        "approved": ["Ihre Zahlung ist bestätigt", "Bezahlt an Maison Exemple", "Visa, endet auf",
                     "Pariser Zeit", "erfolgt"],
        "waiting": ["Ihre Zahlung wird noch geprüft"], "ended": ["Zahlung abgebrochen"],
        "closed": ["Diese Zahlung ist abgeschlossen"],
        "fault": ["Wir finden diese Zahlung nicht"],
    },
}


class Languages(BrowserCase):
    """Each language, on each screen."""

    def reads(self, one, language, screen):
        text = one.text()
        for words in WORDS[language][screen]:
            self.assertIn(words, text)
        self.assertNotRegex(text + one.title(), r"[{}]", "what was to be filled in")
        self.assertNotRegex(text, r"\b[a-z]+_[a-z]+\b", "a key instead of its words")
        self.assertEqual(one.run("return document.documentElement.lang"), language)
        self.assertTrue(one.title())

    def flow(self, language):
        order = {"language": language, "items": ITEMS}
        payment = self.open(4990, **order)
        one = self.visit(payment)
        self.reads(one, language, "card")
        one.pays_with(cards.card())
        self.reads(one, language, "approved")
        for amount, screen in [(200_002, "bank"), (100_001, "refused"), (100_013, "waiting")]:
            payment = self.open(amount, **order)
            one.opens(payment["url"], "card")
            one.pays_with(cards.card(), screen)
            self.reads(one, language, screen)
        payment = self.open(**order)
        one.opens(payment["url"], "card")
        one.leaves("form.leave button")
        one.sees("ended")
        self.reads(one, language, "ended")
        other = self.visit(payment, "closed", "other")
        self.reads(other, language, "closed")

    def test_french(self):
        self.flow("fr")

    def test_english(self):
        self.flow("en")

    def test_german(self):
        self.flow("de")

    def test_switched_and_stays(self):
        payment = self.open(language="fr")
        one = self.visit(payment)
        one.leaves("nav.tongues a[lang=de]")
        one.sees("card")
        self.assertIn("Kartennummer", one.text())
        one.pays_with(cards.card())
        self.reads(one, "de", "approved")
        self.agree(payment, "approved", ["in_progress", "approved"], 2)

    def test_switched_on_each_screen_that_has_a_form(self):
        """The place where one is does not change with the language."""
        payment = self.open(100_001)
        one = self.visit(payment)
        one.pays_with(cards.card(), "refused")
        one.leaves("a[href$='/code']")
        one.sees("code")
        one.leaves("nav.tongues a[lang=fr]")
        self.assertEqual(one.sees("code", "refused"), "code")

    def test_of_the_browser(self):
        """Where the shop has not said, what the browser asks for; and what it cannot have."""
        reference = "order-1"
        for asked, wanted in [("de-CH,de;q=0.9", "de"), ("fr", "fr"), ("it,en;q=0.5", "en"), ("ja", "fr")]:
            status, payment = self.all.backend.json("POST", "/v1/payments", {
                "reference": reference, "amount": {"value": 100, "currency": "EUR"},
                "return_url": f"{self.all.shop.url}/orders/1"})
            self.assertEqual(status, 201)
            _, headers, body = self.all.anybody.ask(
                "GET", payment["url"][len(self.all.url):], headers={"Accept-Language": asked})
            self.assertEqual(headers["Content-Language"], wanted)
            self.assertIn(f'<html lang="{wanted}">', body.decode())

    def test_nothing_is_found(self):
        for language in ("fr", "en", "de"):
            _, headers, body = self.all.anybody.ask(
                "GET", "/p/00000000000000000000000000", headers={"Accept-Language": language})
            text = re.sub(r"\s+", " ", body.decode())
            for words in WORDS[language]["fault"]:
                self.assertIn(words, text)
