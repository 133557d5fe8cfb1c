import cards
from case import BrowserCase
from installation import until

PAID = ["in_progress", "approved"]


class Kept(BrowserCase):
    """A card is kept where the shop offers it and the shopper wants it, and not otherwise."""

    def keep(self, customer, kind="cb_visa", scheme=None, **order):
        """Pays with a new card and has it kept."""
        payment = self.open(customer=customer, keep_card="offer", **order)
        one = self.shopper()
        one.opens(payment["url"], "card", "kept")
        if one.screen() == "kept":
            one.leaves("a[href$='/card']")
            one.sees("card")
        number = cards.card(kind)
        one.fills(number, code=cards.code(kind))
        if scheme:
            one.click(f"label[for=scheme-{scheme}]")
        self.assertFalse(one.has("#keep:checked"), "consent is given beforehand")
        one.click("label[for=keep]")
        one.pays("approved")
        self.assertIn("Card kept for your next purchases", one.text())
        return number, self.document(payment), payment

    def test_kept_found_and_used(self):
        customer = self.customer()
        number, document, payment = self.keep(customer)
        token = document["card"]["token"]
        self.assertEqual(document["kept"]["text"], "keep-1")
        self.assertEqual(document["kept"]["language"], "en")
        self.agree(payment, "approved", PAID, 2, kept=token)
        again = self.open(customer=customer, keep_card="offer")
        one = self.visit(again, "kept")
        self.assertIn(f"Visa ending in {number[-4:]}", one.text())
        self.assertIn("Expires 03/29", one.text())
        self.assertNotIn(token, one.html())
        self.assertTrue(one.has("[name=card]:checked"))
        one.fills(code="321")
        one.pays("approved")
        document = self.agree(again, "approved", PAID, 4, kept=token)
        self.assertEqual(document["card"]["token"], token)
        self.assertEqual(one.messages(), [])

    def test_network_is_changed(self):
        customer = self.customer()
        _, document, _ = self.keep(customer, scheme="cb")
        self.assertEqual(document["card"]["scheme"], "cb")
        token = document["card"]["token"]
        again = self.open(customer=customer)
        one = self.visit(again, "kept")
        self.assertIn("Paid through CB, as you chose", one.text())
        one.click("details.help > summary")
        self.assertTrue(one.has("input[value=cb]:checked"))
        one.click("label[for^=scheme-][for$=-visa]")
        one.fills(code="321")
        one.pays("approved")
        document = self.agree(again, "approved", PAID, 4, kept=token)
        self.assertEqual(document["card"]["scheme"], "visa")
        third = self.visit(self.open(customer=customer), "kept")
        self.assertIn("Paid through Visa, as you chose", third.text())
        status, view = self.all.vault.json("POST", "/v1/tokens", {"token": token})
        self.assertEqual((status, view["preferred_brand"]), (200, "visa"))

    def test_two_cards_and_another_one(self):
        """Last used first; the code's length is that of the card; another card can be typed."""
        customer = self.customer()
        first, _, _ = self.keep(customer)
        amex, document, _ = self.keep(customer, "amex")
        payment = self.open(customer=customer)
        one = self.visit(payment, "kept")
        labels = [node.text for node in one.all("label[for^=card-]")]
        self.assertEqual(len(labels), 2)
        self.assertIn(amex[-4:], labels[0])
        self.assertIn("4 digits on the front", one.text())
        one.fills(code="321")
        one.click("button[name=pay]")
        until(lambda: one.focused() == "faults", "three digits are too few")
        self.assertIn("Enter the 4 digits of the code", one.text())
        one.click("[name=card]:not(:checked) + label")
        self.assertIn("3 digits on the back", one.text())
        one.fills(code="321")
        one.pays("approved")
        document = self.document(payment)
        self.assertEqual(document["card"]["last4"], first[-4:])

    def test_another_card_instead(self):
        customer = self.customer()
        number, document, _ = self.keep(customer)
        payment = self.open(customer=customer, keep_card="offer")
        one = self.visit(payment, "kept")
        one.leaves("a.act[href$='/card']")
        one.sees("card")
        other = cards.card("mastercard")
        one.pays_with(other)
        paid = self.agree(payment, "approved", PAID, 4)
        self.assertNotIn("token", paid["card"])
        self.assertTrue(self.all.has_token(document["card"]["token"]))

    def test_removed_at_the_vault(self):
        customer = self.customer()
        _, document, _ = self.keep(customer)
        payment = self.open(customer=customer)
        one = self.visit(payment, "kept")
        status, _ = self.all.vault.json("DELETE", f"/v1/tokens/{document['card']['token']}")
        self.assertEqual(status, 204)
        one.fills(code="321")
        one.leaves("button[name=pay]")
        one.sees("refused", "card")
        self.assertNotIn("Your bank", one.text().split("PayPal")[0].replace("Your bank did not", ""))
        # Nothing is charged, and another card pays.
        one.opens(payment["url"] + "/card", "card")
        self.assertFalse(one.has("a[href$='/code']"))
        one.pays_with(cards.card())
        self.agree(payment, "approved", ["in_progress", "open"] + PAID, 4)
        self.visit(self.open(customer=customer), "card")

    def test_not_ticked(self):
        payment = self.open(customer=self.customer(), keep_card="offer")
        one = self.visit(payment)
        one.pays_with(cards.card())
        self.assertNotIn("Card kept", one.text())
        document = self.agree(payment, "approved", PAID, 2)
        self.assertIsNone(document["kept"])
        self.assertNotIn("token", document["card"])
        tokens = self.all.tokens(payment["payment"])
        self.assertEqual(len(tokens), 1)
        status, _ = self.all.vault.json("DELETE", f"/v1/tokens/{tokens[0]}")
        self.assertEqual(status, 404)

    def test_not_offered(self):
        for order in [{"customer": self.customer()}, {"customer": self.customer(), "keep_card": "never"}, {}]:
            self.assertFalse(self.visit(self.open(**order)).has("[name=keep]"))

    def test_a_refused_card_is_not_kept(self):
        customer = self.customer()
        payment = self.open(100_001, customer=customer, keep_card="offer")
        one = self.visit(payment)
        one.fills(cards.card())
        one.click("label[for=keep]")
        one.pays("refused")
        status, _ = self.ask(payment, "cancel")
        self.assertEqual(status, 200)
        document = self.agree(payment, "cancelled", ["in_progress", "open", "cancelled"], 2)
        self.assertIsNone(document["kept"])
        self.visit(self.open(customer=customer), "card")

    def test_another_card_after_one_that_was_to_be_kept(self):
        """Ticked with the first card, not ticked with the second: nothing is kept."""
        customer = self.customer()
        payment = self.open(200_002, customer=customer, keep_card="offer")
        one = self.visit(payment)
        one.fills(cards.card())
        one.click("label[for=keep]")
        one.pays("bank")
        one.answers_bank("0000")
        one.sees("refused")
        one.leaves("a.act[href$='/card']")
        one.sees("card")
        self.assertFalse(one.has("#keep:checked"))
        one.pays_with(cards.card(), "bank")
        one.answers_bank()
        one.sees("approved")
        document = self.agree(payment, "approved", ["in_progress", "open"] + PAID, 5)
        self.assertIsNone(document["kept"])
        self.visit(self.open(customer=customer), "card")

    def test_kept_over_a_challenge(self):
        customer = self.customer()
        payment = self.open(200_002, customer=customer, keep_card="offer")
        one = self.visit(payment)
        one.fills(cards.card())
        one.click("label[for=keep]")
        one.pays("bank")
        one.answers_bank()
        one.sees("approved")
        document = self.document(payment)
        self.agree(payment, "approved", PAID, 3, kept=document["card"]["token"])

    def test_kept_after_a_failed_challenge_and_again(self):
        """Agreed with the first try; the second try is the same card by its code alone."""
        customer = self.customer()
        payment = self.open(200_002, customer=customer, keep_card="offer")
        one = self.visit(payment)
        one.fills(cards.card())
        one.click("label[for=keep]")
        one.pays("bank")
        one.answers_bank("0000")
        one.sees("refused")
        one.leaves("a[href$='/code']")
        one.sees("code")
        one.fills(code="123")
        one.pays("bank")
        one.answers_bank()
        one.sees("approved")
        document = self.document(payment)
        kept = document["card"].get("token")
        self.assertEqual(kept is not None, document["kept"] is not None)
        self.agree(payment, "approved", ["in_progress", "open"] + PAID, 5, kept=kept)
        self.assertEqual("Card kept" in one.text(), kept is not None)

    def test_the_same_card_twice(self):
        """Typed anew by the same customer, kept both times: one token, one card in the list."""
        customer = self.customer()
        number, document, _ = self.keep(customer)
        payment = self.open(customer=customer, keep_card="offer")
        one = self.visit(payment, "kept")
        one.leaves("a.act[href$='/card']")
        one.sees("card")
        one.fills(number)
        one.click("label[for=keep]")
        one.pays("approved")
        again = self.agree(payment, "approved", PAID, 4, kept=document["card"]["token"])
        self.assertEqual(again["card"]["token"], document["card"]["token"])
        third = self.visit(self.open(customer=customer), "kept")
        self.assertEqual(len(third.all("[name=card]")), 1)

    def test_another_customer_sees_nothing(self):
        self.keep(self.customer())
        self.visit(self.open(customer=self.customer()), "card")

    def test_settled_later(self):
        """Kept when the shop says that it was paid."""
        customer = self.customer()
        payment = self.open(100_013, customer=customer, keep_card="offer")
        one = self.visit(payment)
        one.fills(cards.card())
        one.click("label[for=keep]")
        one.pays("waiting")
        self.assertIsNone(self.document(payment)["kept"])
        status, document = self.ask(payment, "settle", {"state": "approved"})
        self.assertEqual(status, 200, document)
        self.agree(payment, "approved", ["in_progress", "pending", "approved"], 2,
                   kept=document["card"]["token"])
        self.visit(self.open(customer=customer), "kept")

    def test_kept_by_one_payment_and_let_go_by_another(self):
        """The first payment made the token and is cancelled; the second one, which kept it, needs it."""
        customer, number = self.customer(), cards.card()
        left = self.open(100_001, customer=customer, keep_card="offer")
        one = self.visit(left)
        one.fills(number)
        one.click("label[for=keep]")
        one.pays("refused")
        payment = self.open(customer=customer, keep_card="offer")
        one.opens(payment["url"], "card")
        one.fills(number)
        one.click("label[for=keep]")
        one.pays("approved")
        token = self.document(payment)["card"]["token"]
        self.assertEqual(self.ask(left, "cancel")[0], 200)
        until(lambda: not any(a.get("owesDeletion") for a in self.all.attempts(left["payment"])),
              "the first payment has deleted what it has to")
        self.assertTrue(self.all.has_token(token), "the card that was kept is still there")
        again = self.open(customer=customer)
        one.opens(again["url"], "kept")
        one.fills(code="123")
        one.pays("approved")
